// SPDX-License-Identifier: Apache-2.0
#include "train_ppo.hpp"

#include <fmt/format.h>

#include <optional>
#include <proximal/io/stop_signal.hpp>
#include <proximal/libtorch/device.hpp>
#include <proximal/lm/distributed/configured_communication.hpp>
#include <proximal/lm/distributed/main_first.hpp>
#include <proximal/lm/train/command_line.hpp>
#include <proximal/lm/train/compare_samples.hpp>
#include <proximal/lm/train/plan_together.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/run/claimed_run.hpp>
#include <proximal/run/log_level.hpp>
#include <proximal/run/stock_listeners.hpp>
#include <string>
#include <utility>
#include <vector>

#include "algorithms/algorithm_named.hpp"
#include "processes.hpp"
#include "quickstart/quickstart.hpp"

namespace examples {

int train_ppo(std::string const& about, std::vector<std::string> const& arguments, proximal::lm::rendezvous& meeting,
              program_settings const& own) {
    using namespace proximal;
    run::PPOv2Config config;
    auto algorithm = examples::algorithm_named(run::option_value(arguments, "algorithm", config.algorithm));
    bool const is_quick_start = !own;
    auto const given = lm::read_command_line(
        algorithm, config, fmt::format("{} --algorithm is {}.", about, examples::algorithm_names()), arguments,
        is_quick_start ? program_settings(quickstart::settings_for) : own, examples::knob_readers());
    if (!given) return 0;
    run::set_log_level(config);
    run::sinks_named(config.report_to);  // a name that is none is told before anything is loaded or made
    bool const makes_its_own = is_quick_start && quickstart::names_nothing(config);
    auto const device = libtorch::choose_device(config.use_cpu, meeting.launched().local_rank);
    auto const world = meeting.open(device, lm::configured_communication(config));
    fmt::print("Proximal: {} on {}{}\n", config.algorithm, device.str(), processes_of(*world));
    config.disable_tqdm = config.disable_tqdm || !world->is_main();
    auto const inputs = lm::main_first(*world, [&] {
        return makes_its_own    ? quickstart::own_inputs(config, device, algorithm)
               : is_quick_start ? quickstart::named_inputs(config, device, algorithm)
                                : lm::configured_inputs(config, device, algorithm, data_formats());
    });

    auto const [folder, checkpoint] = lm::plan_together(config, *world);
    auto arguments_of_run = lm::arguments_of(config, inputs, run::stock_listeners(config));
    arguments_of_run.world = world;
    lm::ppo_trainer trainer(algorithm, std::move(arguments_of_run));
    if (checkpoint) trainer.resume(*checkpoint);
    std::optional<run::claimed_run> claimed;
    if (world->is_main())
        claimed.emplace(config, run::planned_run{folder, checkpoint}, "config_ppo.json",
                        lm::run_record(config, algorithm, *given));
    io::stop_signals const signals(world->is_main());
    lm::tell_memory(config, inputs, device, meeting.launched());
    auto const& sizes = trainer.sizes();
    fmt::print("run        {} updates of {} episodes, in {}\n", sizes.num_total_batches, sizes.batch_size,
               folder.string());
    if (auto const episodes = sizes.num_total_batches * sizes.batch_size;
        given->contains("total_episodes") && config.total_episodes && episodes != *config.total_episodes)
        fmt::print("note       --total_episodes {} is no whole number of updates: {} are sampled\n",
                   *config.total_episodes, episodes);
    fmt::print("data       {} prompts to train on, {} held out\n", inputs.train.prompts.size(),
               inputs.eval.prompts.size());
    if (checkpoint && trainer.state().update >= trainer.sizes().num_total_batches)
        fmt::print("note       nothing is left to do: {} updates are done\n", trainer.state().update);
    if (checkpoint) fmt::print("resumed    after {} updates, from {}\n", trainer.state().update, checkpoint->string());
    fmt::print("\n");

    bool const wants_no_samples = config.num_sample_generations == 0 && given->contains("num_sample_generations");
    std::int64_t const compared = checkpoint || wants_no_samples ? 0 : 128;
    auto const before = trainer.answer_held_out(compared);
    trainer.train();
    if (!before.empty()) fmt::print("\n{}", lm::compare_samples(before, trainer.answer_held_out(compared)));
    fmt::print("\n");
    run::list_results(folder);
    return 0;
}

}  // namespace examples
