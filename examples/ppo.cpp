// SPDX-License-Identifier: Apache-2.0
//
// Trains a language model with PPO, TRL's quick start, or by --algorithm with another of examples/algorithms. With
// TRL's flags it takes models and data from folders or from the local Hugging Face cache; with no model and no data it
// makes small ones of its own from text on this machine.
#include <fmt/format.h>

#include <proximal/libtorch/device.hpp>
#include <proximal/lm/train/command_line.hpp>
#include <proximal/lm/train/compare_samples.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/run/claimed_run.hpp>
#include <proximal/run/log_level.hpp>
#include <proximal/run/program.hpp>
#include <proximal/run/spin_briefly.hpp>
#include <proximal/run/stock_listeners.hpp>

#include "algorithms/algorithm_named.hpp"
#include "quickstart/quickstart.hpp"

using namespace proximal;

int main(int argc, char** argv) {
    run::spin_briefly(argv);
    return run::run_main("ppo", argc, argv, [](std::vector<std::string> const& arguments) {
        auto const about = fmt::format(
            "Trains a language model. With no model and no data, makes small ones from text on this machine. "
            "--algorithm is {}.",
            examples::algorithm_names);
        run::PPOv2Config config;
        auto algorithm = examples::algorithm_named(run::option_value(arguments, "algorithm", config.algorithm));
        auto const given = lm::read_command_line(algorithm, config, about, arguments, quickstart::settings_for,
                                                 examples::knob_readers());
        if (!given) return 0;
        run::set_log_level(config);
        bool const makes_its_own = quickstart::names_nothing(config);
        auto const device = libtorch::choose_device(config.use_cpu);
        fmt::print("Proximal: {} on {}\n", config.algorithm, device.str());
        auto const inputs = makes_its_own ? quickstart::own_inputs(config, device, algorithm)
                                          : quickstart::named_inputs(config, device, algorithm);

        auto const [folder, checkpoint] = run::plan_run(config);
        lm::ppo_trainer trainer(algorithm, lm::arguments_of(config, inputs, run::stock_listeners(config)));
        if (checkpoint) trainer.resume(*checkpoint);
        run::claimed_run const claimed(config, {folder, checkpoint}, "config_ppo.json",
                                       lm::run_record(config, algorithm, *given));
        io::stop_signals const signals;
        lm::tell_memory(config, inputs, device);
        fmt::print("run        {} updates of {} episodes, in {}\n", trainer.sizes().num_total_batches,
                   trainer.sizes().batch_size, folder.string());
        if (checkpoint && trainer.state().update >= trainer.sizes().num_total_batches)
            fmt::print("note       nothing is left to do: {} updates are done\n", trainer.state().update);
        if (checkpoint)
            fmt::print("resumed    after {} updates, from {}\n", trainer.state().update, checkpoint->string());
        fmt::print("\n");

        bool const wants_no_samples = config.num_sample_generations == 0 && given->contains("num_sample_generations");
        std::int64_t const compared = checkpoint || wants_no_samples ? 0 : 128;
        auto const before = trainer.answer_held_out(compared);
        trainer.train();
        if (!before.empty()) fmt::print("\n{}", lm::compare_samples(before, trainer.answer_held_out(compared)));
        fmt::print("\n");
        run::list_results(folder);
        return 0;
    });
}
