// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstring>
#include <proximal/run/learning_rate_schedule.hpp>
#include <proximal/run/prompt_cursor.hpp>
#include <proximal/run/saved_state.hpp>
#include <proximal/run/trainer_state.hpp>

using namespace proximal;
using namespace proximal::run;

namespace {
struct everything {
    bool yes = true;
    int small = -3;
    std::int64_t whole = -(std::int64_t{1} << 60);
    std::uint64_t large = ~std::uint64_t{0};
    double real = 0.1 + 0.2;
    std::string text = "a\nb";
    std::vector<std::int64_t> list{3, 1, 2};
    std::mt19937_64 engine{7};

    void visit_state(state_archive& archive) {
        archive("yes", yes), archive("small", small), archive("whole", whole), archive("large", large);
        archive("real", real), archive("text", text), archive("list", list), archive("engine", engine);
    }
};
}  // namespace

TEST_CASE("saved_state: what was written is read back, bit for bit, under its scope") {
    everything before;
    before.engine.discard(1000);
    saved_state state;
    state_writer writer(state);
    writer.within("all", before);
    CHECK(state.contains("all/real"));
    everything after{false, 0, 0, 0, 0.0, "", {}, std::mt19937_64{1}};
    state_reader reader(state);
    reader.within("all", after);
    reader.finish();
    CHECK((after.yes && after.small == -3 && after.whole == before.whole && after.large == before.large));
    CHECK((after.real == before.real && after.text == before.text && after.list == before.list));
    CHECK(after.engine == before.engine);
}

TEST_CASE("saved_state: arrays keep dtype and shape") {
    std::vector<float> numbers{1.5f, -2.0f, 3.25f, 0.0f};
    auto const as_array = [](std::vector<float>& x, std::vector<std::int64_t> shape) {
        return state_array{"F32", std::move(shape), std::as_writable_bytes(std::span(x))};
    };
    saved_state state;
    auto array = as_array(numbers, {2, 2});
    state_writer{state}("weights", array);
    std::vector<float> back(4);
    auto read = as_array(back, {2, 2});
    state_reader{state}("weights", read);
    CHECK(back == numbers);
    auto flat = as_array(back, {4});
    CHECK_THROWS_WITH(state_reader{state}("weights", flat), Catch::Contains("another dtype or shape of 'weights'"));
}

TEST_CASE("saved_state: what does not fit is named with the remedy") {
    saved_state state;
    double x = 1.0;
    std::int64_t n = 1;
    state_writer writer(state);
    writer("x", x);
    CHECK_THROWS_WITH(writer("x", x), Catch::Contains("two values of a run's state are called 'x'"));
    state_reader reader(state);
    CHECK_THROWS_WITH(reader("y", x), Catch::Contains("holds no 'y': resume with the algorithm"));
    CHECK_THROWS_WITH(reader("x", n), Catch::Contains("another type of 'x'"));
    CHECK_THROWS_WITH(state_reader(state).finish(), Catch::Contains("holds 'x', which this run does not have"));
}

TEST_CASE("saved_state: a prompt cursor, a trainer's state and a schedule that learns go on where they were") {
    prompt_cursor cursor(10, 4, 3);
    cursor.next();
    trainer_state progress{.update = 4, .episode = 64, .epoch = 0.5, .seconds = 12.25};
    struct halving {
        double rate = 1.0;
        double operator()(std::int64_t) { return rate *= 0.5; }
        void visit_state(state_archive& archive) { archive("rate", rate); }
    };
    learning_rate_schedule schedule{halving{}};
    schedule(0), schedule(1);
    saved_state state;
    state_writer writer(state);
    writer.within("cursor", cursor), writer.within("progress", progress), writer.within("schedule", schedule);
    std::vector<std::vector<std::int64_t>> expected;
    for (int i = 0; i < 5; ++i) expected.push_back(cursor.next());

    prompt_cursor resumed(10, 4, 99);
    trainer_state from{};
    learning_rate_schedule fresh{halving{}};
    state_reader reader(state);
    reader.within("cursor", resumed), reader.within("progress", from), reader.within("schedule", fresh);
    reader.finish();
    for (auto const& rows : expected) CHECK(resumed.next() == rows);
    CHECK((from.update == 4 && from.episode == 64 && from.epoch == 0.5 && from.seconds == 12.25));
    CHECK(fresh(2) == 0.125);
}
