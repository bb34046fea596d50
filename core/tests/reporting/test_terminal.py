import io

from rich.console import Console

from contrast.interfaces import Evaluation, Table
from contrast.reporting import print_tables


def printed(evaluation):
    out = io.StringIO()
    print_tables(Console(file=out, width=80), evaluation)
    return out.getvalue()


def test_tables_show_few_digits_and_a_dash_for_what_is_missing():
    table = Table("Scores", ("method", "20"), (("meow", 54.5123456), ("raw", None)), "In percent.")
    text = printed(Evaluation(tables=(table,), notes=("No AUC.",)))
    assert "54.51" in text
    assert "54.512" not in text
    assert "–" in text
    assert "In percent." in text
    assert "No AUC." in text


def test_metrics_stand_in_for_tables():
    assert "macro_f1/20" in printed(Evaluation({"macro_f1/20": 1.0}))
    assert printed(Evaluation()) == ""


def test_brackets_are_text_and_not_markup():
    table = Table("[b]", ("[red]x",), (("[link=a]y",),))
    assert "[link=a]y" in printed(Evaluation(tables=(table,), notes=("[dim]n",)))
