from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from contrast.engine.randomness import generator
from contrast.errors import ConfigError, DataError
from contrast_ucb.deep.actors import Actors, Row
from contrast_ucb.deep.encoder import DeepFeatures
from contrast_ucb.deep.evaluate import interquartile_mean
from contrast_ucb.deep.form import Jumps
from contrast_ucb.deep.learning import paired, target_of
from contrast_ucb.deep.networks import Values
from contrast_ucb.deep.objective import JumpNCE, SelfPrediction
from contrast_ucb.deep.observations import reading
from contrast_ucb.deep.optimism import Optimism
from contrast_ucb.deep.replay import Replay, Sequences
from contrast_ucb.deep.sampler import DeepExplorer
from contrast_ucb.deep.sea import DeepSea
from contrast_ucb.deep.task import Task, deep_sea, gymnasium_task
from contrast_ucb.deep.values import n_steps, projected, value_loss


def sea(size=4):
    return deep_sea(generator=generator(0), size=size)


def test_deep_sea_passes_the_checker_and_pays_for_going_right_alone():
    check_env(DeepSea(5, render_mode="rgb_array"))
    env, earned = DeepSea(5, layout=3), 0.0
    env.reset()
    for row in range(5):
        _, reward, over, _, _ = env.step(env.right[row, row])
        earned += reward
    assert over
    assert earned == pytest.approx(0.99)


class Counting(gymnasium.Env):
    """Observation: episode's own number and step. Ends after 3 steps, or is cut after 2."""

    observation_space = spaces.Box(0, 100, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, steady=True):
        self.steady, self.began = steady, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.began += 1
        self.number, self.t = (seed % 50 if self.steady else self.began), 0
        return np.array([self.number, 0], np.float32), {}

    def step(self, action):
        self.t += 1
        seen = np.array([self.number, self.t], np.float32)
        return seen, float(self.t), self.t == 3, action == 1 and self.t == 2, {}


def counting(steady=True, stack=1):
    def make(training=True, render_mode=None):
        return Counting(steady)

    return Task("counting", make, reading(Counting.observation_space, "counting"), 2, stack=stack)


def played(actors, actions):
    rows = [actors.step(np.full(actors.count, a)) for a in actions]
    return [Row(*(np.stack([getattr(r, f) for r in rows]) for f in Row._fields))][0]


def test_the_last_observation_of_an_episode_is_a_row_in_which_nothing_is_done():
    actors = Actors(counting(), 1, base=0)
    actors.begin()
    rows = played(actors, [0, 0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(rows.frame[:, 0, 1], [0, 1, 2, 3, 0, 1, 2])
    np.testing.assert_array_equal(rows.reset[:, 0], [0, 0, 0, 1, 0, 0, 1])
    np.testing.assert_array_equal(rows.terminated[:, 0], [0, 0, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(rows.ended[:, 0], [0, 0, 1, 0, 0, 1, 0])
    assert actors.returns == [6, 3]


def test_copies_go_on_in_the_middle_of_an_episode_as_if_they_had_not_stopped():
    task = sea()
    whole, first, second = (Actors(task, 3, base=7) for _ in range(3))
    whole.begin()
    first.begin()
    draw = np.random.default_rng(0)
    actions = draw.integers(2, size=(14, 3))
    rows = [whole.step(a) for a in actions]
    for a in actions[:6]:
        first.step(a)
    second.load_state_dict(first.state_dict())
    second.begin()
    for a, expected in zip(actions[6:], rows[6:], strict=True):
        for one, other in zip(second.step(a), expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_an_environment_that_does_not_repeat_itself_begins_anew_with_a_warning():
    first, second = (Actors(counting(steady=False), 1, base=0) for _ in range(2))
    first.begin()
    played(first, [0, 0, 0, 0, 0])
    second.load_state_dict(first.state_dict())
    with pytest.warns(UserWarning, match="does not repeat"):
        second.begin()
    assert second.taken == [[]]


def filled(stack=1, rows=40, capacity=40):
    task = counting(stack=stack)
    if stack > 1:  # the frames of an episode, older first
        task = Task(
            "counting", task.make, reading(spaces.Box(0, 9, (2 * stack,)), "c"), 2, stack=stack
        )
    actors, replay = Actors(counting(), 2, base=0), Replay(task, 2, capacity)
    actors.begin()
    for _ in range(rows):
        replay.add(actors.step(np.zeros(2, np.int64)))
    return replay


def test_stretches_begin_at_steps_alone_and_stay_with_their_copy():
    replay = filled(rows=30)
    batch = replay.draw(200, 3, np.random.default_rng(0))
    copy, row = batch.place
    assert not replay.held.reset[row % replay.rows, copy].any()
    assert batch.obs.shape == (3, 200, 2)
    np.testing.assert_array_equal(batch.obs[0, :, 1], (row % 4).float())
    np.testing.assert_array_equal(batch.ended[0], batch.obs[0, :, 1] == 2)


def test_stacked_frames_are_kept_once_and_do_not_reach_into_another_episode():
    replay = filled(stack=3, rows=12)
    seen = replay.seen(np.array([[4], [5], [7]]), np.zeros((3, 1), int))[:, 0]
    np.testing.assert_array_equal(seen[:, 1::2], [[0, 0, 0], [0, 0, 1], [1, 2, 3]])


def test_the_oldest_rows_make_room():
    replay = filled(rows=50, capacity=20)
    assert len(replay) == 10
    rows, _ = replay.steps()
    assert rows.min() >= 40
    with pytest.raises(ValueError, match="too few"):
        replay.draw(4, 10, np.random.default_rng(0))


def test_sums_stop_where_the_episode_does_and_go_on_from_there():
    reward = torch.tensor([[1.0, 1, 1], [2, 2, 2], [4, 4, 4]])
    terminated = torch.tensor([[0, 0, 0], [0, 1, 0], [0, 0, 0]]).bool()
    ended = torch.tensor([[0, 0, 1], [0, 1, 0], [0, 0, 0]]).bool()
    total, steps, factor = n_steps(reward, terminated, ended, 0.5)
    assert total.tolist() == [1 + 1 + 1, 1 + 1, 1]
    assert steps.tolist() == [3, 2, 1]
    assert factor.tolist() == [0.125, 0, 0.5]


def test_sums_are_as_exact_as_their_rewards():
    none = torch.zeros(9, 1, dtype=torch.bool)
    total, _, factor = n_steps(torch.ones(9, 1, dtype=torch.float64), none, none, 0.99)
    assert total.item() == pytest.approx((1 - 0.99**9) / 0.01, rel=1e-14)
    assert factor.item() == pytest.approx(0.99**9, rel=1e-14)


def test_moved_atoms_keep_their_mass_and_their_mean():
    support = torch.linspace(-2, 2, 9, dtype=torch.float64)
    p = torch.rand(5, 9, generator=generator("atoms"), dtype=torch.float64).softmax(-1)
    moved = projected(p, torch.full((5,), 0.3).double(), torch.full((5,), 0.5).double(), support)
    torch.testing.assert_close(moved.sum(-1), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(moved @ support, 0.3 + 0.5 * (p @ support))
    beyond = projected(p, torch.full((5,), 9.0).double(), torch.zeros(5).double(), support)
    torch.testing.assert_close(beyond[:, -1], torch.ones(5, dtype=torch.float64))
    values, first = p.log()[:, None], torch.zeros(5, dtype=torch.int64)
    assert value_loss(values, first, p) <= value_loss(values.flip(-1), first, p)


def test_the_loss_on_jumps_is_its_formula_and_leaves_ended_jumps_out():
    draw = generator("jumps")
    phi, psi = (torch.randn(2, 4, 3, dtype=torch.float64, generator=draw) for _ in range(2))
    alive = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 1]]).bool()
    total = 0.0
    for j in range(2):
        for i in (i for i in range(4) if alive[j, i]):
            for k in (k for k in range(4) if alive[j, k] or k == i):
                cos = torch.cosine_similarity(phi[j, i], psi[j, k], dim=0)
                log_f = np.log(20.0) * cos
                total += torch.log1p((-log_f).exp()) if i == k else torch.log1p(log_f.exp()) / 3
    found = JumpNCE(20.0)(Jumps(phi, psi, alive, phi[0]))
    torch.testing.assert_close(found, total / 7)
    one = Jumps(phi[:, :1], psi[:, :1], alive[:, :1], phi[0])
    assert JumpNCE()(one).isfinite()


def test_self_prediction_moves_the_predicted_side_alone():
    phi, psi = (torch.randn(1, 4, 3, generator=generator(s)).requires_grad_() for s in "ab")
    SelfPrediction()(Jumps(phi, psi, torch.ones(1, 4).bool(), phi[0])).backward()
    assert phi.grad.abs().sum() > 0
    assert psi.grad is None


def test_features_are_paired_with_their_own_action_and_officially_with_the_one_before():
    features = torch.arange(3 * 1 * 2 * 1.0).reshape(3, 1, 2, 1)
    action = torch.tensor([[1], [0], [1]])
    none = torch.zeros(3, 1)
    batch = Sequences(none, action, none, none, none, torch.tensor([0]), none)
    assert paired(features, batch, official=False).flatten().tolist() == [1, 2, 5]
    assert paired(features, batch, official=True).flatten().tolist() == [0, 3, 4]


def test_a_state_that_is_met_more_often_has_a_smaller_bonus_and_an_unseen_one_the_largest():
    optimism = Optimism(3)
    phi = torch.eye(3)[[0] * 9 + [1]]
    optimism.recount(phi, visits=20, lam=0.01)
    often, seldom, never = optimism(torch.eye(3), 1.0)
    torch.testing.assert_close(
        torch.stack([often, seldom, never]), torch.tensor([18.01, 2.01, 0.01]).rsqrt()
    )


def network(**changed):
    given = {"actions": 3, "scale": 1.0, "jumps": 1, "mapped": True, "official": False, "width": 8}
    given |= {"rank": 4, "atoms": 1, "low": -10, "high": 10, "shift": 0, "intensity": 0.0}
    made = DeepFeatures(shape=(2,), **(given | changed))
    made.optimism.recount(torch.randn(20, made.optimism.root.shape[0]), visits=20, lam=0.01)
    return made.double()


def stretches(length, size):
    none = torch.zeros(length, size, dtype=torch.bool)
    return Sequences(
        torch.randn(length, size, 2, dtype=torch.float64),
        torch.randint(3, (length, size)),
        torch.randn(length, size, dtype=torch.float64),
        none,
        none.clone(),
        torch.zeros(size, dtype=torch.int64),
        torch.zeros(2, size),
    )


def test_every_action_has_its_bonus_tried_or_not_unless_values_have_learnt_it():
    made, x = network(), torch.randn(5, 2, dtype=torch.float64)
    worth, bonus = made.outlook(x, 0.7)
    torch.testing.assert_close(worth, made.worth(x))
    for a in range(3):
        phi = made.state_actions(made.online.trunk(x), torch.full((5,), a))
        torch.testing.assert_close(bonus[:, a], made.optimism(phi, 0.7))
    assert not network(official=True, atoms=51).outlook(x, 0.7)[1].any()


@pytest.mark.parametrize("n", [1, 3])
def test_a_target_is_optimistic_of_every_state_it_leads_through_and_of_none_behind_the_end(n):
    made, batch, gamma, discount = network(), stretches(n + 1, 6), 0.7, 0.9
    batch.terminated[n - 1, 0] = batch.ended[n - 1, 0] = True
    batch.ended[0, 1] = True  # cut off: its value goes on
    sampler = SimpleNamespace(n_step=n, gamma=gamma, refresh=2)
    parts = SimpleNamespace(encoder=made, sampler=sampler)
    trainer, at = SimpleNamespace(discount=discount), SimpleNamespace(step=1)
    found, _ = target_of(batch, SimpleNamespace(parts=parts, trainer=trainer, at=at))
    for i in range(6):
        wanted, factor = 0.0, 1.0
        for j in range(n):
            _, bonus = made.outlook(batch.obs[j, i][None], gamma)
            wanted += factor * (batch.reward[j, i] + (bonus[0, batch.action[j, i]] if j else 0))
            factor *= discount
            if batch.ended[j, i]:
                break
        worth, bonus = made.outlook(batch.obs[j + 1, i][None], gamma)
        best = (worth + bonus).argmax()
        if not batch.terminated[j, i]:
            future = made.target(batch.obs[j + 1, i][None])[0, best, 0]
            wanted += factor * (future + bonus[0, best])
        torch.testing.assert_close(found[i], wanted)


def test_the_official_bonus_counts_what_is_replayed():
    optimism = Optimism(2)
    first = optimism.replayed(torch.eye(2)[None], 1.0)
    for _ in range(8):
        last = optimism.replayed(torch.eye(2)[None], 1.0)
    torch.testing.assert_close(last / first, torch.full((1, 2), 1 / 3), rtol=1e-3, atol=0)


def test_a_screen_goes_through_the_convolutions_of_dqn():
    values = Values((4, 84, 84), 8, actions=3, atoms=5)
    assert tuple(values.trunk.latent) == (64, 7, 7)
    assert values(torch.rand(2, 4, 84, 84)).shape == (2, 3, 5)


@pytest.mark.parametrize(
    ("space", "obs", "expected"),
    [
        (spaces.Discrete(3), 1, [0, 1, 0]),
        (spaces.MultiDiscrete([2, 3]), np.array([1, 2]), [0, 1, 0, 0, 1]),
        (spaces.MultiBinary(2), np.array([0, 1]), [0, 1]),
    ],
)
def test_numbers_are_read_as_ones(space, obs, expected):
    read = reading(space, "any")
    assert read.convert(obs).tolist() == expected
    assert read.shape == (len(expected),)


@pytest.mark.parametrize("obs", [[1, 2], 3, -1, np.nan])
def test_what_is_no_number_of_a_space_is_refused(obs):
    read = reading(spaces.Discrete(3), "any")
    task = Task("any", counting, read, 2)
    assert task.arrays(2).tolist() == [0, 0, 1]
    with pytest.raises(DataError, match="no observation"):
        task.arrays(obs)


@pytest.mark.parametrize("shape", [(2, 8), (8, 2, 3), (4, 2, 2)])
def test_images_too_small_for_a_filter_are_refused(shape):
    with pytest.raises(ConfigError, match="3 x 3"):
        reading(spaces.Box(0, 1, shape), "flat")


def test_images_have_their_channels_first_and_are_scaled_by_their_largest_value():
    read = reading(spaces.Box(0, 255, (6, 5, 3), np.uint8), "any")
    assert (read.shape, read.scale) == ((3, 6, 5), 255)
    assert read.convert(np.zeros((2, 6, 5, 3), np.uint8)).shape == (2, 3, 6, 5)


class Later(Counting):
    """Its actions are counted from one."""

    action_space = spaces.Discrete(2, start=1)


gymnasium.register("Later-v0", Later, max_episode_steps=5)
gymnasium.register("Limitless-v0", Counting)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ("Later-v0", "begin at 1"),
        ("Limitless-v0", "have no limit of steps"),
        ("Cart Pole-v1", "did you mean `CartPole-v1`"),
        ("CartPole", "did you mean `CartPole-v1`"),
        ("Pendulum-v1", "not discrete"),
        ("nowhere:Lake-v0", "a module that is not there"),
        (":Lake-v0", "a module that is not there"),
    ],
)
def test_an_environment_that_does_not_fit_is_refused(env, said):
    with pytest.raises(ConfigError, match=said):
        gymnasium_task(generator=generator(0), env=env, horizon=None)


def test_a_replay_without_room_for_two_stretches_is_refused():
    given = {"updates": 1, "batch_size": 4, "warmup": 0, "epsilon": 0.0, "decay": 1, "jumps": 1}
    given |= {"gamma": 0.0, "lam": 1.0, "refresh": 1, "n_step": 3}
    with pytest.raises(ConfigError, match=r"sampler\.replay=192"):
        DeepExplorer(counting(), generator=generator(0), envs=32, replay=100, **given)
    sampler = DeepExplorer(counting(), generator=generator(0), envs=32, replay=192, **given)
    batch = sampler.draw(SimpleNamespace(step=0, shared=generator, encoder=network(width=4)))
    assert batch.obs.shape == (4, 4, 2)


@pytest.mark.parametrize(
    ("reward", "said"), [(np.nan, "gave the reward nan"), (30.0, "from -10 to 10")]
)
def test_a_reward_that_cannot_be_learnt_from_is_refused(reward, said):
    task = gymnasium_task(generator=generator(0), env="CartPole-v1", horizon=None)
    bounded = Task(task.name, task.make, task.reading, 2, bounds=(-10, 10))
    with pytest.raises(DataError, match=said):
        bounded.reward(reward)


def test_the_middle_half_is_averaged_with_parts_by_weight():
    assert interquartile_mean([0, 1, 2, 100]) == 1.5
    assert interquartile_mean([5.0]) == 5
    assert interquartile_mean([0, 1, 2, 3, 100]) == pytest.approx((0.75 * 1 + 2 + 0.75 * 3) / 2.5)
