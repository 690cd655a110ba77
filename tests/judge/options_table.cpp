// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <proximal/run/options.hpp>
#include <set>
#include <string>

#include "../../examples/generating_options.hpp"

using namespace proximal;

namespace {
/// The rows of docs/judge.md: the flags of judge_tldr as its --help has them.
std::string options_table() {
    examples::judge_tldr_config config;
    std::string text = "| flag | default | accepts | what |\n|---|---|---|---|\n";
    std::set<std::string> seen;
    for (auto const& knob : examples::acting_knobs(config))
        if (seen.insert(knob.name).second)
            text += "| `--" + knob.name + "` | " + knob.default_text + " | " + knob.accepts + " | " + knob.meaning +
                    (knob.details.empty() ? "" : ". " + knob.details) + " |\n";
    return text;
}
}  // namespace

TEST_CASE("judge_tldr: docs/judge.md lists every flag, its default and what it accepts") {
    auto const path = std::string(PROXIMAL_TEST_SUPPORT) + "/../../docs/judge.md";
    std::ifstream in(path);
    std::string page(std::istreambuf_iterator<char>(in), {});
    auto const begin = page.find("| flag | default | accepts | what |"), end = page.find("\n\n", begin);
    REQUIRE(end != std::string::npos);
    auto const table = options_table();
    if (std::getenv("PROXIMAL_WRITE_DOCS") != nullptr)
        std::ofstream(path) << page.replace(begin, end + 1 - begin, table);
    else CHECK(page.substr(begin, end + 1 - begin) == table);  // PROXIMAL_WRITE_DOCS=1 writes it
}

TEST_CASE("judge_tldr and generate: an option of the data that no answer depends on is refused, with the reason") {
    examples::judge_tldr_config config;
    auto const parse = [&](std::vector<std::string> const& arguments) {
        return run::parse_options(examples::acting_knobs(config), "test", arguments, examples::idle_data_options());
    };
    auto const all = run::any_knobs(config);
    for (auto const& [name, why] : examples::idle_data_options()) {
        INFO(name);
        CHECK_THROWS_WITH(parse({"--" + name + "=1"}), "--" + name + " would do nothing: " + why.because);
        auto const knob = std::find_if(all.begin(), all.end(), [&](auto const& k) { return k.name == name; });
        REQUIRE(knob != all.end());
        CHECK(knob->default_text == why.default_text);  // a file may name it
    }
    REQUIRE(parse({"--dataset_train_split=test", "--seed=3"}));
    CHECK((config.dataset_train_split == "test" && config.seed == 3));
}
