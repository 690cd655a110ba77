// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/run/html_report.hpp>
#include <proximal/run/metrics_log.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

TEST_CASE("html_report: after the first update, then once in a while, and at the end") {
    support::temporary_folder const folder;
    auto const page = folder.path / "report.html";
    trainer_state state{.output_dir = folder.path};
    metrics numbers;
    numbers.set("objective/kl", 0.5);
    metrics_log log;
    html_report report;
    log.on_train_begin(state);
    state.update = 1;
    log.on_log(state, numbers);
    report.on_log(state, numbers);
    CHECK(report.written());
    CHECK(std::filesystem::exists(page));
    std::filesystem::remove(page);
    state.update = 2;
    log.on_log(state, numbers);
    report.on_log(state, numbers);
    CHECK_FALSE(std::filesystem::exists(page));
    report.on_train_end(state);
    CHECK(std::filesystem::exists(page));
}

TEST_CASE("html_report: a report that cannot be written stops no run") {
    support::temporary_folder const folder;
    trainer_state state{.output_dir = folder.path};
    html_report report;
    report.on_log(state, {});
    CHECK_FALSE(report.written());
}
