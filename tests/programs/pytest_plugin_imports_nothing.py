import sys


def test_nothing_was_imported():
    ours = {name for name in sys.modules if name.startswith("wampapp.")}
    assert ours <= {"wampapp._version", "wampapp.pytest_plugin"}
    assert not {"autobahn", "twisted", "msgspec", "click"} & set(sys.modules)
