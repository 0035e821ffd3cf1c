"""Imported and exported models."""
