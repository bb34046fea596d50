"""An evaluation on the terminal: its tables and its notes."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from contrast.interfaces import Evaluation, Table
from contrast.reporting.formats import is_number, show
from contrast.reporting.summary import reference_tables


def print_tables(console: Console, evaluation: Evaluation) -> None:
    """Print the tables of an evaluation, or its metrics where it has no table, and its notes."""
    own = evaluation.tables or metrics_table(evaluation)
    for table in (*own, *reference_tables(evaluation)):
        console.print(rich_table(table))
    for note in evaluation.notes:
        console.print(Text(note, style="dim"))


def metrics_table(evaluation: Evaluation) -> tuple[Table, ...]:
    """The metrics of an evaluation as one table; none where there are no metrics."""
    if not evaluation.metrics:
        return ()
    return (Table("Metrics", ("metric", "value"), tuple(evaluation.metrics.items())),)


def rich_table(table: Table) -> RichTable:
    """A table for the terminal: numbers to the right, None as a dash, texts never as markup."""
    title = Text(table.title, style="bold")
    drawn = RichTable(
        title=title,
        title_justify="left",
        caption=Text(table.caption, style="dim") if table.caption else None,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for number, column in enumerate(table.columns):
        right = all(is_number(row[number]) for row in table.rows)
        drawn.add_column(Text(column), justify="right" if right else "left", no_wrap=right)
    for row in table.rows:
        drawn.add_row(*(Text(show(cell)) for cell in row))
    return drawn
