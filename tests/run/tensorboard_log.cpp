// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <proximal/run/tensorboard_log.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

TEST_CASE("tensorboard_log: scalars, evaluations, samples and their scores; a resumed run goes on in the file") {
    support::temporary_folder const folder;
    metrics numbers;
    numbers.set("objective/kl", 0.5);
    metrics evaluated;
    evaluated.set("eval/scores", 2);
    trainer_state state{.output_dir = folder.path};
    {
        tensorboard_log log;
        log.on_train_begin(state);
        state = {.update = 1, .episode = 8, .output_dir = folder.path};
        log.on_log(state, numbers);
        log.on_evaluate(state, evaluated);
        log.on_completions(state, {{"query", "score"}, {{"a|b", "1.5"}}});
        state = {.update = 2, .episode = 16, .output_dir = folder.path};
        log.on_log(state, numbers);
    }
    state = {.update = 1, .episode = 8, .output_dir = folder.path};
    tensorboard_log resumed;
    resumed.on_train_begin(state);
    std::vector<std::filesystem::path> files;
    for (auto const& entry : std::filesystem::directory_iterator(folder.path / "runs")) files.push_back(entry.path());
    REQUIRE(files.size() == 1);
    std::ifstream in(files[0], std::ios::binary);
    std::string const bytes(std::istreambuf_iterator<char>(in), {});
    auto const events = tf_records(bytes);
    REQUIRE(events.size() == 5);
    CHECK(events[1].find("objective/kl") != std::string::npos);
    CHECK(events[2].find("eval/scores") != std::string::npos);
    CHECK(events[3].find("| a&#124;b | 1.5 |") != std::string::npos);
    CHECK(events[4].find("samples/score") != std::string::npos);
}
