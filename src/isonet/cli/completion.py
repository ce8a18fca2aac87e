"""Completion of commands and options by the tabulator key, for bash, zsh and fish."""

from pathlib import Path
from typing import Literal

from cyclopts import App
from cyclopts.completion.detect import ShellDetectionError

from isonet.errors import InputError

INSTALL_COMPLETION = "--install-completion"
Shell = Literal["bash", "zsh", "fish"]


def add_completion(app: App) -> None:
    """Give a parser the flag that writes its completion for the user's shell."""

    def install(*, shell: Shell | None = None, output: Path | None = None) -> None:
        """Let the tabulator key complete commands and options, in shells that are begun from now on.

        Parameters
        ----------
        shell
            For which shell; left out, the one that runs here.
        output
            File to write; left out, where the shell looks for it.
        """
        try:
            path = app.install_completion(shell=shell, output=output)
        except ShellDetectionError as error:
            raise InputError(
                f"{INSTALL_COMPLETION}: no known shell runs here; add --shell bash, zsh or fish"
            ) from error
        print(f"{path}: begin a new shell, and the tabulator key completes isonet's commands and options")

    app.command(install, name=INSTALL_COMPLETION, group=app["--help"].group)
