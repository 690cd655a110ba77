// SPDX-License-Identifier: Apache-2.0
//
// Answers the prompts of a data set with a model, into a file of JSON lines.
#include <proximal/run/options.hpp>
#include <proximal/run/program.hpp>
#include <proximal/run/spin_briefly.hpp>

#include "answer_prompts.hpp"

int main(int argc, char** argv) {
    namespace px = proximal;
    px::run::spin_briefly(argv);
    return px::run::run_main("generate", argc, argv, [](std::vector<std::string> const& arguments) {
        examples::generate_config config;
        auto const knobs = examples::acting_knobs(config);
        auto const options = px::run::parse_options(knobs, "Answers the prompts of a data set, a JSON line each.",
                                                    arguments, examples::idle_data_options());
        if (!options) return 0;
        px::validate(config);
        if (options->print_config) {
            fmt::print("{}", px::run::options_text(knobs, options->given));
            return 0;
        }
        px::io::stop_signals const signals;
        auto const answers =
            examples::answer_prompts(config, config, config.num_examples, config.seed, config.output_file);
        fmt::print("{} answers are in {}\n", answers.size(), config.output_file);
        return 0;
    });
}
