// SPDX-License-Identifier: Apache-2.0
#include <proximal/lm/distributed/lost_process.hpp>
#include <proximal/lm/train/distributed_optimizer.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/proximal.hpp>
#include <proximal/run/stock_ppo.hpp>

#include "../../support/recording_communicator.hpp"
#include "../../support/temporary_folder.hpp"
#include "../../support/thread_communicator.hpp"
#include "../../support/tiny_run.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal;
using namespace proximal::lm;

namespace {

at::Tensor all_weights(ppo_trainer_arguments const& given) {
    std::vector<at::Tensor> all;
    for (auto const& parameter : given.policy.parameters()) all.push_back(parameter.tensor.detach().flatten());
    if (given.value_model)
        for (auto const& parameter : given.value_model->parameters())
            all.push_back(parameter.tensor.detach().flatten());
    return at::cat(all);
}

/// Sixteen episodes an update on `processes`, in as many backward passes of each as `accumulation` says.
run::PPOv2Config config_on(std::int64_t processes, std::int64_t accumulation, std::string const& sharding = "none") {
    auto config = support::small_config();
    config.num_mini_batches = 2;
    config.gradient_accumulation_steps = accumulation;
    config.per_device_train_batch_size = 8 / (processes * accumulation);
    config.sharding = sharding;
    config.ddp_bucket_cap_mb = 1;
    // The gradient of the keys' biases is 0 but for rounding, which AdamW divides by its epsilon.
    config.adam_epsilon = 1e-5;
    return config;
}

/// An algorithm that reads the whole batch (whitening) and whose loss does not depend on micro-batches.
auto split_independent() {
    return algorithm{chain(kl_penalty<k1>{.kl_coef = 0.05}, terminal_score{}), chain(gae{}, whiten{}),
                     total(clipped_surrogate{}, clipped_value{}), over_mini_batch<>{}};
}

struct trained_weights {
    at::Tensor weights;
    run::metrics logged;
};

template <class Algorithm>
trained_weights trained_alone(Algorithm const& algorithm, run::PPOv2Config const& config, int updates = 2) {
    auto given = support::arguments(config);
    ppo_trainer trainer(algorithm, given);
    run::metrics logged;
    for (int i = 0; i < updates; ++i) logged = trainer.step();
    return {all_weights(given), logged};
}

template <class Algorithm>
std::vector<trained_weights> on_processes(std::int64_t count, Algorithm const& algorithm,
                                          run::PPOv2Config const& config, int updates = 2) {
    std::vector<trained_weights> results(static_cast<std::size_t>(count));
    support::as_processes(count, [&](auto const& world) {
        auto given = support::arguments(config);
        given.world = world;
        ppo_trainer trainer(algorithm, given);
        auto& own = results[static_cast<std::size_t>(world->rank())];
        for (int i = 0; i < updates; ++i) own.logged = trainer.step();
        whole_parameters const whole(trainer.units());
        own.weights = all_weights(given);
    });
    return results;
}

double furthest(at::Tensor const& a, at::Tensor const& b) { return (a - b).abs().max().item<double>(); }

}  // namespace

TEST_CASE("ppo_trainer: in float64 one, two and four processes make the same two updates to 1e-12") {
    auto const reference = trained_alone(split_independent(), config_on(1, 2));
    CHECK(furthest(reference.weights, all_weights(support::arguments(config_on(1, 1)))) > 1e-4);  // it learns
    for (auto const& [processes, accumulation] : {std::pair{1, 1}, {1, 8}, {2, 1}, {2, 4}, {4, 1}, {4, 2}})
        for (char const* sharding : {"none", "zero1", "zero2", "zero3"}) {
            INFO(processes << " processes, " << accumulation << " micro-batches, " << sharding);
            for (auto const& own :
                 on_processes(processes, split_independent(), config_on(processes, accumulation, sharding))) {
                CHECK(furthest(own.weights, reference.weights) < 1e-12);
                for (char const* name : {"objective/kl", "objective/scores", "objective/rlhf_reward", "grad_norm",
                                         "objective/entropy", "value/explained_variance", "val/num_eos_tokens"})
                    CHECK(*own.logged.find(name) == Approx(*reference.logged.find(name)).epsilon(1e-12).margin(1e-12));
            }
        }
}

TEST_CASE("ppo_trainer: with --batch_scope process each whitens and cuts its own episodes, and all move alike") {
    auto const world = on_processes(2, split_independent(), config_on(2, 1));
    auto config = config_on(2, 1);
    config.batch_scope = "process";
    auto const process = on_processes(2, split_independent(), config);
    CHECK(at::equal(process[0].weights, process[1].weights));
    CHECK(furthest(process[0].weights, world[0].weights) > 1e-9);
    // The same draws and scores, before anything moved: their means over the processes are the whole batch's.
    auto const first = on_processes(2, split_independent(), config, 1),
               shared = on_processes(2, split_independent(), config_on(2, 1), 1);
    for (char const* name : {"objective/kl", "objective/scores", "objective/entropy"})
        CHECK(*first[0].logged.find(name) == Approx(*shared[0].logged.find(name)).epsilon(1e-12));
}

TEST_CASE("distributed_optimizer: where one backward pass makes a step all modes give the same bits") {
    for (std::int64_t const processes : {2, 4})
        for (char const* optim : {"adamw_torch", "sgd", "rmsprop", "adagrad"}) {
            auto config = config_on(processes, 1);
            config.optim = optim;
            config.max_grad_norm = 0.1;
            auto const none = on_processes(processes, split_independent(), config);
            for (char const* sharding : {"zero1", "zero2"}) {
                INFO(processes << " processes, " << optim << ", " << sharding);
                config.sharding = sharding;
                auto const shared = on_processes(processes, split_independent(), config);
                for (std::size_t rank = 0; rank < shared.size(); ++rank) {
                    CHECK(at::equal(shared[rank].weights, none[0].weights));
                    CHECK(*shared[rank].logged.find("grad_norm") == *none[0].logged.find("grad_norm"));
                }
            }
            // zero3 cuts other slices: norms are summed in another order, and other elements end a vector of the CPU's.
            // RMSprop and Adagrad divide what is 0 but for rounding by 1e-8 and 1e-10.
            config.sharding = "zero3";
            CHECK(furthest(on_processes(processes, split_independent(), config)[0].weights, none[0].weights) < 1e-9);
        }
}

TEST_CASE("distributed_optimizer: a process keeps its slice of the state, and with zero2 of the gradients") {
    auto const parameters = support::arguments(config_on(1, 1)).policy.parameters();
    std::int64_t whole = 0;
    for (auto const& parameter : parameters) whole += parameter.tensor.numel();
    for (auto const& [mode, stage] : {std::pair{sharding::zero1, 1}, {sharding::zero2, 2}}) {
        std::vector<std::int64_t> held(4), left(4);
        support::as_processes(4, [&, mode = mode](auto const& world) {
            auto own = support::arguments(config_on(1, 1));
            begin_training(own.policy);
            auto const learning = own.policy.trainable_parameters();
            distributed_optimizer optimizer(learning, world, mode, 4096, [&](std::vector<named_tensor> part) {
                for (auto const& piece : part) held[static_cast<std::size_t>(world->rank())] += piece.tensor.numel();
                return std::make_shared<adamw>(part, adamw_options{});
            });
            at::Tensor loss = at::zeros({}, at::kDouble);
            for (auto const& parameter : learning) loss = loss + parameter.tensor.sum();
            optimizer.begin_backward(false);
            torch::autograd::backward({loss}, {});
            optimizer.end_backward();
            for (auto const& parameter : learning)
                if (parameter.tensor.grad().defined())
                    left[static_cast<std::size_t>(world->rank())] += parameter.tensor.numel();
        });
        INFO(stage);
        CHECK(held[0] + held[1] + held[2] + held[3] == whole);
        for (auto const own : held) CHECK(static_cast<double>(own) < 0.3 * static_cast<double>(whole));
        for (auto const own : left) CHECK(own == (mode == sharding::zero2 ? 0 : whole));
    }
}

TEST_CASE("ppo_trainer: a checkpoint of four processes goes on with two and with one, as if nothing had happened") {
    support::temporary_folder const folder;
    auto const run_on = [&](std::int64_t processes, std::string const& sharding, char const* name,
                            std::optional<std::filesystem::path> const& from, std::int64_t updates) {
        std::vector<at::Tensor> weights(static_cast<std::size_t>(processes));
        auto config = config_on(processes, 8 / (2 * processes), sharding);
        config.per_device_train_batch_size = 2;
        config.total_episodes = 16 * 4;
        config.output_dir = (folder.path / name).string();
        config.save_strategy = "steps";
        config.save_steps = 2;
        config.report_to = "none";
        config.num_sample_generations = 0;
        struct stop_after final : run::trainer_callback {
            std::int64_t update;
            explicit stop_after(std::int64_t u) : update(u) {}
            void on_step_end(run::trainer_state& state) override { state.should_stop = state.update == update; }
        };
        support::as_processes(processes, [&](auto const& world) {
            auto given = support::arguments(config);
            given.world = world;
            given.callbacks = {std::make_shared<stop_after>(updates)};
            ppo_trainer trainer(split_independent(), given);
            if (from) trainer.resume(*from);
            trainer.train();
            whole_parameters const whole(trainer.units());
            weights[static_cast<std::size_t>(world->rank())] = all_weights(given);
        });
        for (auto const& own : weights) CHECK(at::equal(own, weights[0]));
        return weights[0];
    };
    auto const whole = run_on(4, "zero2", "whole", {}, 4);
    run_on(4, "zero2", "first", {}, 2);
    auto const checkpoint = folder.path / "first" / "checkpoint-2";
    CHECK(std::filesystem::exists(checkpoint / "optimizer-00003-of-00004" / "state.safetensors"));
    CHECK(at::equal(run_on(4, "zero2", "again", checkpoint, 4), whole));
    CHECK(furthest(run_on(4, "none", "unsharded", checkpoint, 4), whole) < 1e-12);
    CHECK(furthest(run_on(2, "zero1", "two", checkpoint, 4), whole) < 1e-12);
    CHECK(furthest(run_on(1, "none", "one", checkpoint, 4), whole) < 1e-12);
    CHECK(furthest(run_on(2, "zero3", "layers", checkpoint, 4), whole) < 1e-12);
    run_on(2, "zero3", "slices", {}, 2);
    CHECK(furthest(run_on(1, "none", "merged", folder.path / "slices" / "checkpoint-2", 4), whole) < 1e-12);
    run_on(1, "none", "alone", {}, 2);
    CHECK(furthest(run_on(2, "zero2", "wider", folder.path / "alone" / "checkpoint-2", 4), whole) < 1e-12);
    std::filesystem::remove_all(checkpoint / "optimizer-00003-of-00004");
    CHECK_THROWS_WITH(run::shards_in(checkpoint, "optimizer"),
                      Catch::Contains("holds 3 of 4 parts of the optimizer's state"));
}

TEST_CASE(
    "ppo_trainer: processes that were given other weights begin with process 0's, also where layers are shared out") {
    auto const alone = trained_alone(split_independent(), config_on(1, 2));
    for (char const* sharding : {"none", "zero2", "zero3"}) {
        support::temporary_folder const folder;
        std::vector<at::Tensor> weights(2);
        support::as_processes(2, [&](auto const& world) {
            auto config = config_on(2, 2, sharding);
            config.output_dir = (folder.path / "out").string();
            config.save_strategy = "no";
            config.report_to = "none";
            config.num_sample_generations = 0;
            config.total_episodes = 2 * 16;
            auto given = support::arguments(config);
            given.world = world;
            if (world->rank() == 1) {
                at::NoGradGuard const no_gradient;
                for (auto const& parameter : given.policy.parameters()) {
                    at::Tensor own = parameter.tensor;
                    own.add_(0.25);
                }
            }
            ppo_trainer trainer(split_independent(), given);
            trainer.train();
            whole_parameters const whole(trainer.units());
            weights[static_cast<std::size_t>(world->rank())] = all_weights(given);
        });
        INFO(sharding);
        for (auto const& own : weights) CHECK(furthest(own, alone.weights) < 1e-12);
    }
}

TEST_CASE("ppo_trainer: processes that part in the middle of a step leave no mixture of weights behind") {
    struct parted final : support::recording_communicator {
        using recording_communicator::recording_communicator;
        int left = 3;
        pending start_all_gather(at::Tensor const& x, at::Tensor into) override {
            if (left-- == 0) throw lost_process("process 1 is gone");
            return communicator::start_all_gather(x, into);
        }
    };
    for (char const* sharding : {"zero1", "zero2"}) {
        support::temporary_folder const folder;
        auto config = config_on(2, 1, sharding);
        config.ddp_bucket_cap_mb = 1;
        config.output_dir = (folder.path / "out").string();
        config.report_to = "none";
        config.num_sample_generations = 0;
        auto given = support::arguments(config);
        given.world = std::make_shared<parted>(0, 2);
        ppo_trainer trainer(split_independent(), given);
        CHECK_THROWS_WITH(trainer.train(), Catch::Contains("process 1 is gone; and the models as of the last step") &&
                                               Catch::Contains("parted in the middle of a step") &&
                                               Catch::Contains("resume from the last checkpoint"));
        CHECK(trainer.state().optimizer_steps > 0);
        CHECK_FALSE(std::filesystem::exists(folder.path / "out" / "model.safetensors"));
    }
}

TEST_CASE("distributed_optimizer: collectives in order, and their bytes, of 8, 64 and 512 processes") {
    for (std::int64_t const processes : {8, 64, 512})
        for (auto const mode : {sharding::none, sharding::zero1, sharding::zero2, sharding::zero3}) {
            auto const world = std::make_shared<support::recording_communicator>(processes / 2, processes);
            auto model = support::arguments(config_on(1, 1)).policy;
            parameter_units units;
            std::int64_t in_units = 0, units_padded = 0;
            if (mode == sharding::zero3) {
                auto const shared = std::make_shared<sharded_backbone>(model.body, world);
                model.body = shared;
                units = shared->units();
                for (auto const& unit : units) {
                    units_padded += unit->padded();
                    for (auto const& member : unit->members()) in_units += member.of.tensor.numel();
                }
            }
            begin_training(model);
            auto const learning = model.trainable_parameters();
            std::int64_t whole = 0, held = 0;
            for (auto const& parameter : learning) whole += parameter.tensor.numel();
            distributed_optimizer optimizer(
                learning, world, mode, 16'384,
                [&](std::vector<named_tensor> part) {
                    for (auto const& piece : part) held += piece.tensor.numel();
                    return std::make_shared<adamw>(part, adamw_options{});
                },
                units);
            INFO(processes << " processes, mode " << static_cast<int>(mode));
            auto const buckets = mode == sharding::none ? std::int64_t{0} : whole - held * processes;
            if (mode != sharding::none) CHECK(std::abs(buckets) < processes * 40);  // padding alone
            auto const pass = [&](bool last) {
                optimizer.begin_backward(last);
                auto const hidden = model.body->forward(pack_tokens({{1, 2, 3}, {4, 5}}));
                torch::autograd::backward({at::linear(hidden, model.lm_head).sum()}, {});
                optimizer.end_backward();
            };
            pass(false);
            auto const first = world->calls;
            world->calls.clear();
            pass(true);
            optimizer.average_gradients(*world);
            optimizer.step(1e-3);
            // Of `elements` in all, this process sends all but its own slice, once for each reduction or gathering.
            auto const share = [&](std::int64_t elements) {
                return static_cast<double>(elements) * 8.0 * static_cast<double>(processes - 1) /
                       static_cast<double>(processes);
            };
            double const padding = 1.0 + 40.0 * static_cast<double>(processes) / static_cast<double>(whole);
            auto const near = [&](std::int64_t sent, double least) {
                CHECK(static_cast<double>(sent) >= least * (1.0 - 1e-9));
                CHECK(static_cast<double>(sent) <= least * padding);
            };
            near(world->sent("reduce_scatter"), share(whole));
            bool const sends_each_pass = mode >= sharding::zero2;
            double once = 0.0;
            for (auto const& call : first)
                once += call.operation == "reduce_scatter" ? static_cast<double>(call.sent) : 0.0;
            CHECK((once > 0.0) == sends_each_pass);
            if (mode != sharding::zero3) {
                near(world->sent("all_gather"), share(whole));
                bool gathers = false;  // all reductions come first
                for (auto const& call : world->calls) {
                    CHECK((call.operation == "all_gather" || !gathers));
                    gathers = gathers || call.operation == "all_gather";
                }
            } else {
                // Layers forward and backward, the root's parameters after the step.
                near(world->sent("all_gather"), 2.0 * share(units_padded) + share(whole - in_units));
            }
        }
}
