// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/run/line_log.hpp>
#include <proximal/run/terminal_report.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

TEST_CASE("headline: what is measured, and no more") {
    metrics numbers;
    CHECK(headline(numbers).empty());
    numbers.set("objective/scores", 2);
    numbers.set("eps", 12);
    CHECK(headline(numbers) == "scores 2  eps 12");
    numbers.set("objective/kl", 0.04);
    numbers.set("objective/rlhf_reward", 1.23456);
    CHECK(headline(numbers) == "rlhf_reward 1.235  kl 0.04  eps 12");
    metrics supervised;
    supervised.set("accuracy", 0.75);
    supervised.set("loss", 0.5);
    CHECK(headline(supervised) == "loss 0.5  accuracy 0.75");
}

TEST_CASE("phases: shares of the measured seconds") {
    metrics numbers;
    CHECK(phases(numbers).empty());
    numbers.set("time/generate", 3.0);
    numbers.set("time/update", 1.0);
    CHECK(phases(numbers) == "generate 75%  update 25%");
}

TEST_CASE("terminal_report: a plain line per update where there is no terminal, counted from where a run resumes") {
    support::temporary_folder const folder;
    std::FILE* const out = std::fopen((folder.path / "out").c_str(), "w");
    terminal_report report(true, out);
    trainer_state state{.update = 2, .updates = 4, .output_dir = folder.path};
    report.on_train_begin(state);
    metrics numbers;
    numbers.set("objective/scores", 1.5);
    for (state.update = 3; state.update <= 4; ++state.update) {
        report.on_step_begin(state);
        report.on_log(state, numbers);
    }
    report.on_train_end(state);
    std::fclose(out);
    auto const lines = whole_lines(folder.path / "out");
    REQUIRE(lines.size() == 2);
    CHECK_THAT(lines[0], Catch::StartsWith("update 3/4  scores 1.5  ") && Catch::EndsWith(" s/update  eta 0s"));
    CHECK_THAT(lines[1], Catch::StartsWith("update 4/4  scores 1.5  ") && Catch::EndsWith(" s/update  eta 0s"));
}

TEST_CASE("terminal_report: silent where it is told to be") {
    support::temporary_folder const folder;
    std::FILE* const out = std::fopen((folder.path / "out").c_str(), "w");
    terminal_report report(false, out);
    trainer_state state{.updates = 4, .output_dir = folder.path};
    report.on_train_begin(state);
    state.update = 1;
    report.on_log(state, {});
    std::fclose(out);
    CHECK(std::filesystem::file_size(folder.path / "out") == 0);
}
