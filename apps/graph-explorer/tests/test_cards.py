from contrast_graph_explorer.cards import found_list, node_card
from contrast_graph_explorer.neighbours import neighbourhood


def test_a_card_names_the_node_its_class_and_a_row_for_each_neighbour(run):
    card = node_card(run, neighbourhood(run, 0, 5))
    assert "<h2>Alien (1979)</h2>" in card
    assert "class 0" in card
    assert card.count("data-node=") == 10


def test_a_title_with_markup_is_shown_as_it_is_written(run):
    card = node_card(run, neighbourhood(run, 3, 5))
    assert "<b>" not in card
    assert "The &lt;b&gt;Alien&lt;/b&gt; Nation" in card


def test_an_isolated_node_says_that_no_path_leads_away(run):
    assert "No path leads from this node" in node_card(run, neighbourhood(run, 29, 5))


def test_a_search_that_finds_nothing_says_so_and_an_empty_one_says_nothing(run):
    assert "No film fits “zzz”" in found_list(run, [], "zzz")
    assert found_list(run, [], "  ").strip() == ""
