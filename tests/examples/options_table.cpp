// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <proximal/lm/train/command_line.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "../../examples/algorithms/algorithm_named.hpp"

using namespace proximal;

namespace {

std::vector<std::string> const algorithms = [] {
    std::vector<std::string> names;
    for (auto const& [name, make] : examples::named_algorithms()) names.emplace_back(name);
    return names;
}();

/// An option, and the algorithms that read it.
struct option {
    run::any_knob knob;
    std::vector<std::string> readers;
};

/// Every option of every algorithm, in the order of their help.
std::vector<option> all_options() {
    std::vector<option> all;
    auto const find = [&](run::any_knob const& knob) -> option& {
        for (auto& one : all)
            if (one.knob.name == knob.name) return one;
        return all.emplace_back(option{knob, {}});
    };
    run::PPOv2Config config;
    for (auto const& knob : run::any_knobs(config)) find(knob);
    for (auto const& name : algorithms) {
        auto algorithm = examples::algorithm_named(name);
        auto const own = algorithm.knobs();
        auto const idle = lm::idle_fields(name, own);
        std::set<std::string> reads;
        for (auto const& knob : run::any_knobs(config))
            if (!idle.contains(knob.name)) reads.insert(knob.name);
        for (auto const& knob : own) reads.insert(knob.name), find(knob);
        for (auto& one : all)
            if (reads.contains(one.knob.name)) one.readers.push_back(name);
    }
    return all;
}

std::string table_of(std::vector<option> const& all) {
    std::string text =
        "# Options of `ppo`\nWhich algorithm reads which option. An option that the chosen `--algorithm` does not read "
        "is "
        "refused by name.\nGenerated from the program's own knobs; a test compares it with them and with what the "
        "program "
        "refuses.\n\n| option | default | accepts | meaning | read by |\n|---|---|---|---|---|\n";
    for (auto const& [knob, readers] : all) {
        std::string names;
        for (auto const& name : readers) names += (names.empty() ? "" : ", ") + name;
        if (readers.size() == algorithms.size()) names = "all";
        text += "| `--" + knob.name + "` | " + knob.default_text + " | " + knob.accepts + " | " + knob.meaning + " | " +
                names + " |\n";
    }
    text +=
        "\n## Fields of TRL that are refused\nThe rest of TRL's 158: one that is given TRL's default asks for nothing "
        "and is "
        "accepted, so that a configuration which TRL wrote can be read; any other value is refused with the "
        "reason.\n\n| field | TRL's default | why it is refused |\n|---|---|---|\n";
    for (auto const& field : run::detail::refused_fields)
        text += "| `--" + std::string(field.name) + "` | " + std::string(field.trl_default) + " | " +
                std::string(field.because) + " |\n";
    return text;
}

}  // namespace

TEST_CASE("options: docs/options.md is what the program's knobs say") {
    auto const path = std::string(PROXIMAL_TEST_DATA) + "/../../docs/options.md";
    auto const text = table_of(all_options());
    if (std::getenv("PROXIMAL_WRITE_DOCS") != nullptr) std::ofstream(path) << text;
    std::ifstream in(path);
    CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == text);  // PROXIMAL_WRITE_DOCS=1 writes it
}

TEST_CASE("options: an algorithm takes what the table says it reads, and refuses the rest by name") {
    for (auto const& name : algorithms)
        for (auto const& [knob, readers] : all_options()) {
            if (knob.name == "algorithm") continue;
            INFO(name << " --" << knob.name << "=" << knob.default_text);
            bool const reads = std::find(readers.begin(), readers.end(), name) != readers.end();
            auto algorithm = examples::algorithm_named(name);
            run::PPOv2Config config;
            std::string refusal;
            try {
                lm::read_command_line(algorithm, config, "test",
                                      {"--algorithm=" + name, "--" + knob.name + "=" + knob.default_text});
            } catch (std::invalid_argument const& error) {
                refusal = error.what();
            }
            bool const is_unread = refusal.find("no part of " + name + " reads it") != std::string::npos ||
                                   refusal.find("there is no flag --" + knob.name) != std::string::npos ||
                                   refusal.find("--" + knob.name + " is ") != std::string::npos;
            CHECK(reads == !is_unread);
        }
}
