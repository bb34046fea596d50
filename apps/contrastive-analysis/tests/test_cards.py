from contrast_contrastive_analysis.cards import sample_and_shelves, target_tiles


def test_each_target_can_be_picked_and_the_one_picked_is_marked(cohort):
    rows = cohort.targets()
    card = target_tiles(cohort, rows, 10, cohort.analysis.of_row(rows[2]))
    assert card.count("<button") == card.count("<img") == 10
    assert "16 targets" in card
    (marked,) = [part for part in card.split("<button")[1:] if "aria-current" in part]
    assert f'data-row="{rows[2]}"' in marked
    assert "Nothing fits" in target_tiles(cohort, [], 10, cohort.first)


def test_a_sample_stands_over_its_neighbours_in_both_spaces(cohort):
    card = sample_and_shelves(cohort, cohort.of_id("ill/early/3.png"), 5, "targets")
    assert card.index("ill/early/3.png") < card.index('id="common"') < card.index('id="salient"')
    assert card.count("<li>") == 10
    assert "with the same subfolder" in card
    assert "target</span>" not in card  # all of them are


def test_the_group_is_told_where_both_are_looked_through(cohort):
    card = sample_and_shelves(cohort, cohort.first, 24, "all")
    assert 'title="group">background</span>' in card


def test_the_background_is_said_to_have_no_salient_order(cohort):
    card = sample_and_shelves(cohort, cohort.first, 5, "background")
    assert card.count("this order says little") == 1


def test_what_the_user_named_is_shown_as_it_is_written(cohort):
    row = cohort.targets("subfolder: <b>late")[0]
    sample = cohort.analysis.of_row(row)
    for card in (
        sample_and_shelves(cohort, sample, 5, "targets"),
        target_tiles(cohort, [row], 5, sample),
    ):
        assert "<b>" not in card
        assert "&lt;b&gt;late" in card


def test_a_row_of_a_table_is_shown_by_its_id(people):
    assert "<img" not in target_tiles(people, people.targets(), 5, people.first)
    assert "<img" not in sample_and_shelves(people, people.first, 5, "targets")
