"""The app: finished studies, single cells and new studies in a browser, by Streamlit; no science of its own.

It reads the files of finished studies through the report's blocks and starts studies through the command, each in a
process of its own.
"""
