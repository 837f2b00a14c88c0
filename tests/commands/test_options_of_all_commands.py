"""An option that several commands have is the same in all of them."""

from collections import defaultdict
from typing import Final

import click

from wampapp.cli.group import cli

#: What may differ, and why: the words of the help where the option is about another thing.
_OTHER_WORDS: Final = {
    "--url",  # what is joined without it
    "--json",  # of `call` it is only the summary; a result is JSON in any case
    "--timeout",  # of `register` it is the command's
    "--count",  # of `call` it ends a stream
    "--concurrency",  # of calls, or of commands
    "--debug",  # of handlers, or of commands
    "--prefix",  # of a component that runs here, or of one that is asked
    "--service",  # whose records are shown, or who must be there
}


def test_an_option_is_the_same_in_every_command() -> None:
    ctx = click.Context(cli)
    found = defaultdict(set)
    helps = defaultdict(set)
    for name in cli.list_commands(ctx):
        command = cli.get_command(ctx, name)
        assert command is not None
        for option in command.params:
            if isinstance(option, click.Option):
                known = max(option.opts, key=len)
                found[known].add((option.metavar, repr(option.type), option.is_flag))
                helps[known].add(option.help)
                # One way to tell a default: in words.
                assert not option.show_default, (name, known)
    assert {known for known, forms in found.items() if len(forms) > 1} == set()
    assert {known for known, words in helps.items() if len(words) > 1} == _OTHER_WORDS
