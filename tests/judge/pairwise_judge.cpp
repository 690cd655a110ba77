// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <mutex>
#include <proximal/judge/pairwise_judge.hpp>
#include <set>
#include <thread>

#include "noted_signals.hpp"

using namespace proximal::judge;

namespace {
std::vector<answer_pair> some_pairs(int n, std::string const& model = "model", std::string const& reference = "ref") {
    std::vector<answer_pair> pairs;
    for (int i = 0; i < n; ++i) pairs.push_back({"pair-" + std::to_string(i), "prompt", model, reference});
    return pairs;
}
opinion prefers_model(question const& asked, std::stop_token const&) {
    return {.preferred = asked.first == "model" ? preference::first : preference::second};
}
opinion prefers_first(question const&, std::stop_token const&) { return {.preferred = preference::first}; }
}  // namespace

TEST_CASE("model_comes_first: as a fair coin, from the seed and the id alone") {
    int first = 0, changed = 0, runs = 0;
    for (int i = 0; i < 10000; ++i) {
        bool const now = model_comes_first(1, std::to_string(i));
        first += now;
        changed += now != model_comes_first(2, std::to_string(i));
        runs += now != model_comes_first(1, std::to_string(i + 1));
        CHECK(now == model_comes_first(1, std::to_string(i)));
    }
    CHECK(std::abs(first - 5000) < 200);  // four standard deviations
    CHECK(std::abs(changed - 5000) < 200);
    CHECK(std::abs(runs - 5000) < 200);  // neighbours are as strangers
}

TEST_CASE("judge_pairs: a verdict is the model's whatever the order, and outcomes stand in the pairs' order") {
    auto const pairs = some_pairs(100);
    auto const won = judge_pairs(pairs, prefers_model);
    CHECK((count(won.outcomes).wins == 100 && won.stopped.empty() && won.total == 100));
    for (std::size_t i = 0; i < pairs.size(); ++i) CHECK(won.outcomes[i].id == pairs[i].id);
    auto const lost = judge_pairs(some_pairs(50, "other", "model"), prefers_model);
    CHECK(count(lost.outcomes).losses == 50);
    auto const tied = judge_pairs(pairs, [](auto&&...) { return opinion{.preferred = preference::tie}; });
    CHECK(count(tied.outcomes).ties == 100);
    CHECK(won.outcomes[0].model_length == 5);
    CHECK(won.outcomes[0].reference_length == 3);
}

TEST_CASE("judge_pairs: the order of a pair depends on neither the threads nor the other pairs") {
    auto const pairs = some_pairs(200);
    auto const alone = judge_pairs(pairs, prefers_first, {.concurrency = 1});
    auto const many = judge_pairs(pairs, prefers_first, {.concurrency = 16});
    auto const last = judge_pairs(std::span(pairs).last(50), prefers_first, {.concurrency = 3});
    std::int64_t const wins = count(alone.outcomes).wins;
    CHECK((wins > 70 && wins < 130));  // who always says "first" is right half the time
    for (std::size_t i = 0; i < 200; ++i) CHECK(alone.outcomes[i].result == many.outcomes[i].result);
    for (std::size_t i = 0; i < 50; ++i) CHECK(alone.outcomes[150 + i].model_first == last.outcomes[i].model_first);
    auto const other = judge_pairs(pairs, prefers_first, {.seed = 7});
    int changed = 0;
    for (std::size_t i = 0; i < 200; ++i) changed += alone.outcomes[i].model_first != other.outcomes[i].model_first;
    CHECK(changed > 50);
}

TEST_CASE("judge_pairs: asked in both orders, two verdicts that differ are a tie, counted as inconsistent") {
    auto const pairs = some_pairs(20);
    auto const biased = judge_pairs(pairs, prefers_first, {.both_orders = true});
    CHECK(count(biased.outcomes) == tally{.ties = 20, .inconsistent = 20});
    auto const steady = judge_pairs(pairs, prefers_model, {.both_orders = true});
    CHECK(count(steady.outcomes) == tally{.wins = 20});
    std::atomic<int> asked = 0;
    auto const half = judge_pairs(pairs,
                                  [&](question const& about, std::stop_token const&) -> opinion {
                                      ++asked;
                                      if (about.model_first) return {.preferred = preference::first, .usage = {10, 1}};
                                      return {.preferred = {}, .why = "no verdict", .usage = {10, 1}};
                                  },
                                  {.both_orders = true, .concurrency = 1, .max_failures_in_a_row = 1000});
    CHECK(count(half.outcomes) == tally{.failures = 20});  // half a verdict is none
    CHECK(half.outcomes[0].why == "no verdict");
    std::int64_t tokens = 0;
    for (auto const& one : half.outcomes) tokens += one.usage.prompt_tokens;
    CHECK(tokens == 10 * asked);
}

TEST_CASE("judge_pairs: a failure is counted, is no loss, and says why") {
    auto const judged = judge_pairs(some_pairs(30), [](question const& asked, std::stop_token const& stop) -> opinion {
        if (asked.id.ends_with('3')) return {.preferred = {}, .why = "it said nothing"};
        return prefers_model(asked, stop);
    });
    CHECK(count(judged.outcomes) == tally{.wins = 27, .failures = 3});
    CHECK(judged.outcomes[13].why == "it said nothing");
    CHECK(judged.stopped.empty());
}

TEST_CASE("judge_pairs: so many failures in a row end it, in one sentence, and what was done is kept") {
    auto const judged = judge_pairs(some_pairs(100),
                                    [](question const& asked, std::stop_token const& stop) -> opinion {
                                        if (std::stoi(std::string(asked.id.substr(5))) >= 20)
                                            return {.preferred = {}, .why = "it is down"};
                                        return prefers_model(asked, stop);
                                    },
                                    {.concurrency = 1, .max_failures_in_a_row = 5});
    CHECK(count(judged.outcomes) == tally{.wins = 20, .failures = 5});
    CHECK(judged.stopped ==
          "the judge failed 5 times in a row and was given up after 25 of 100 pairs; the last time: it is down");
}

TEST_CASE("judge_pairs: an exception of the judge's ends it by its sentence; the others are let finish") {
    auto const judged = judge_pairs(some_pairs(50),
                                    [](question const& asked, std::stop_token const& stop) {
                                        if (asked.id == "pair-10") throw std::runtime_error("the key is wrong");
                                        return prefers_model(asked, stop);
                                    },
                                    {.concurrency = 4});
    CHECK(judged.stopped == "the key is wrong");
    CHECK(judged.outcomes.size() >= 10);
    CHECK(judged.outcomes.size() < 50);
    CHECK(count(judged.outcomes).failures == 0);
}

TEST_CASE("judge_pairs: a signal ends it soon, and what was in flight is no failure") {
    judge_test::noted_signals const noted;
    std::atomic<int> done = 0;
    auto const judged = judge_pairs(some_pairs(100),
                                    [&](question const& asked, std::stop_token const& stop) -> opinion {
                                        if (done++ < 6) return prefers_model(asked, stop);
                                        if (done == 8) std::raise(SIGTERM);
                                        while (!stop.stop_requested())
                                            std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                        return {.preferred = {}, .why = "asked to stop"};
                                    },
                                    {.concurrency = 4});
    CHECK(judged.signal == SIGTERM);
    CHECK(judged.stopped == "stopped by SIGTERM after 6 of 100 pairs");
    CHECK(count(judged.outcomes) == tally{.wins = 6});
}

TEST_CASE("judge_pairs: as many in flight as it was told, progress in the thread that called") {
    std::atomic<int> now = 0, most = 0;
    std::vector<std::int64_t> shown;
    std::set<std::thread::id> threads;
    judging_options options{.concurrency = 5};
    options.progress = [&](std::int64_t done, std::int64_t total, tally const& counts) {
        CHECK((counts.wins == done && total == 40));
        shown.push_back(done);
        threads.insert(std::this_thread::get_id());
    };
    judge_pairs(
        some_pairs(40),
        [&](question const& asked, std::stop_token const& stop) {
            for (int seen = most, here = ++now; here > seen && !most.compare_exchange_weak(seen, here);) {}
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            --now;
            return prefers_model(asked, stop);
        },
        options);
    CHECK((most <= 5 && most > 1));
    CHECK(shown.back() == 40);
    CHECK(std::is_sorted(shown.begin(), shown.end()));
    CHECK(threads == std::set{std::this_thread::get_id()});
}

TEST_CASE("judge_pairs: what progress throws goes through; two pairs of one id are refused; none is none") {
    judging_options options;
    options.progress = [](auto&&...) { throw std::runtime_error("the terminal is gone"); };
    CHECK_THROWS_WITH(judge_pairs(some_pairs(10), prefers_model, options), "the terminal is gone");
    auto pairs = some_pairs(3);
    pairs[2].id = "pair-0";
    CHECK_THROWS_WITH(judge_pairs(pairs, prefers_model), Catch::Contains("two pairs have the id 'pair-0'"));
    CHECK(judge_pairs({}, prefers_model).outcomes.empty());
}
