"""Options of `gui`."""

from pydantic import Field

from isonet.config.base import Files, StepConfig


class GuiConfig(StepConfig):
    """Options of `gui`."""

    port: int = Field(0, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    host: str = "127.0.0.1"
    """Address to listen on; another one than this machine's own needs --allow-remote."""
    allow_remote: bool = False
    """Let other machines reach the interface; whoever has its address with the token can run commands as you."""
    data: Files = ()
    """Further folders with tomograms that may be shown, separated by commas."""
