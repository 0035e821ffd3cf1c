"""Page: to come."""


def show() -> None:
    pass
