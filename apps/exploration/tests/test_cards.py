import numpy as np

from contrast_exploration.cards import cell_card, episode_card, grid_cards, plan_card
from contrast_exploration.episode import play
from contrast_exploration.grids import grids_of


def test_a_plan_says_what_it_is_worth_and_what_it_cost_so_far(journey):
    frame = journey.frame(12)
    card = plan_card(journey, 12)
    assert f"<strong>Iteration {frame.step}</strong> of 30" in card
    assert f"{journey.regret[: frame.step].sum():.1f} of {journey.regret.sum():.1f}" in card
    assert "Exploitability" not in card


def test_every_step_and_state_is_a_cell_of_four_grids(journey):
    cards = grid_cards(journey, 4, (1, 2), None)
    assert cards.count("<svg") == 4
    assert cards.count("data-step=") == 4 * 3 * 6
    assert cards.count('class="chosen"') == 4
    assert "path" not in cards


def test_a_game_has_an_upper_and_a_lower_value(game):
    grids = {grid.title: grid.values for grid in grids_of(game, game.frame(3))}
    assert list(grids) == ["Visits", "Bonus", "Upper value", "Lower value", "True value"]
    assert (grids["Upper value"] >= grids["Lower value"] - 1e-6).all()
    assert "best replies" in plan_card(game, 3)
    assert "<th>lower</th>" in cell_card(game, 3, (0, 0))


def test_the_way_of_an_episode_lies_over_the_grids(journey):
    episode = play("it", journey.process, journey.frame(0).plan.policy, 0).further(2)
    cards = grid_cards(journey, 4, (1, 2), episode)
    assert cards.count('<circle class="path"') == 4
    assert len(cards.partition('polyline class="path" points="')[2].partition('"')[0].split()) == 3


def test_a_cell_shows_its_actions_and_marks_those_played(journey):
    frame = journey.frame(20)
    card = cell_card(journey, 20, (1, 3))
    assert 'data-at="1/3"' in card
    assert card.count('class="played"') == np.count_nonzero(frame.plan.policy[1, 3])
    for action in range(2):
        assert f"<td>{frame.worth[1, 3, action]:.3f}</td>" in card


def test_an_episode_shows_its_moves_and_the_lake(journey, lake):
    assert "Nobody has played yet" in episode_card(journey, None)
    episode = play("The plan", lake.process, lake.frame(0).plan.policy, 0)
    card = episode_card(lake, episode.further(2))
    assert card.count("<tr><td>") == 2
    assert "class='screen'" in card
    assert "class='screen'" not in episode_card(journey, episode)
