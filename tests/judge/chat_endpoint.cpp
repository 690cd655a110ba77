// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <proximal/judge/chat_endpoint.hpp>
#include <proximal/judge/judge_prompt.hpp>
#include <thread>

#include "local_server.hpp"

using namespace proximal::judge;
using Catch::Contains;
using judge_test::local_server;

namespace {
std::string const secret_key = "sk-this-is-a-secret-0123456789";
std::string const asked_prompt = judge_prompt({"id", "a post", "a good answer", "an answer", true});

struct timed {
    std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
    double operator()() const { return seconds(std::chrono::steady_clock::now() - begin).count(); }
};
chat_settings with_key(chat_settings settings) {
    settings.key = api_key(secret_key);
    return settings;
}
}  // namespace

TEST_CASE("chat_endpoint: asks as OpenAI's interface wants it, and counts tokens and cost") {
    local_server server;
    auto settings = with_key(server.settings("good"));
    settings.prices = {2.0, 10.0};
    settings.base_url += "/";
    chat_endpoint endpoint(settings);
    auto const answer = endpoint.ask(asked_prompt);
    CHECK(answer.text == "A");
    CHECK(answer.usage == token_usage{100, 1});
    CHECK(endpoint.meter().spent() == Approx(210e-6));
    auto const log = server.log("good");
    CHECK(log["authorizations"][0] == "Bearer " + secret_key);
    auto const body = nlohmann::json::parse(log["bodies"][0].get<std::string>());
    CHECK(body == nlohmann::json{{"model", "a-model"},
                                 {"max_tokens", 8},
                                 {"temperature", 0},
                                 {"messages", {{{"role", "user"}, {"content", asked_prompt}}}}});
    settings.max_tokens = 0;
    settings.key = {};
    chat_endpoint bare(settings);
    CHECK(bare.ask("broken \xff").text == "tie");
    auto const again = server.log("good");
    CHECK(again["authorizations"][1].is_null());
    CHECK_FALSE(nlohmann::json::parse(again["bodies"][1].get<std::string>()).contains("temperature"));
}

TEST_CASE("chat_endpoint: passing trouble is tried again") {
    local_server server;
    for (auto const& [scenario, requests] : std::map<std::string, int>{{"5xx", 5},
                                                                       {"malformed-once", 2},
                                                                       {"cut-once", 2},
                                                                       {"no-reply-once", 2},
                                                                       {"429-past", 2},
                                                                       {"429-at-once", 2},
                                                                       {"slow", 1}}) {
        INFO(scenario);
        chat_endpoint endpoint(server.settings(scenario));
        auto const answer = endpoint.ask(asked_prompt);
        CHECK(answer.text == "A");
        CHECK(answer.why.empty());
        CHECK(server.requests(scenario) == requests);
        CHECK((endpoint.requests() == requests && endpoint.retries() == requests - 1));
    }
}

TEST_CASE("chat_endpoint: Retry-After is waited for, in seconds and as a date") {
    local_server server;
    chat_endpoint in_seconds(server.settings("429-twice"));
    timed const first;
    CHECK(in_seconds.ask(asked_prompt).text == "A");
    CHECK((first() >= 2.0 && first() < 10.0));
    chat_endpoint by_date(server.settings("429-date"));
    timed const second;
    CHECK(by_date.ask(asked_prompt).text == "A");
    CHECK((second() >= 0.9 && second() < 10.0));  // a date has whole seconds
    chat_endpoint far(server.settings("429-far"));
    timed const third;
    auto const answer = far.ask(asked_prompt);
    CHECK_FALSE(answer.text.has_value());
    CHECK_THAT(answer.why, Contains("HTTP status 429: The server is out of order; it asks to wait 3600 s"));
    CHECK(third() < 5.0);
}

TEST_CASE("chat_endpoint: one thread's Retry-After holds the others back") {
    local_server server;
    chat_endpoint endpoint(server.settings("429-twice"));
    {
        std::jthread const one([&] { endpoint.ask(asked_prompt); });
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        timed const clock;
        CHECK(endpoint.ask(asked_prompt).text == "A");
        CHECK(clock() > 0.5);
    }
}

TEST_CASE("chat_endpoint: time-outs end what hangs and what only trickles") {
    local_server server;
    auto quick = server.settings("hang-once");
    quick.timeout = seconds(0.3);
    CHECK(chat_endpoint(quick).ask(asked_prompt).text == "A");
    for (auto const* const scenario : {"hang", "trickle"}) {
        quick.base_url = server.url(scenario);
        quick.retries.max_retries = 1;
        chat_endpoint endpoint(quick);
        timed const clock;
        auto const answer = endpoint.ask(asked_prompt);
        CHECK_FALSE(answer.text.has_value());
        CHECK_THAT(answer.why, Contains("did not answer: Operation timed out") || Contains("timed out after"));
        CHECK_THAT(answer.why, Contains("(asked 2 times)"));
        CHECK(clock() < 10.0);
        CHECK(server.requests(scenario) == 2);
        CHECK(answer.usage.prompt_tokens == 2 * estimated_usage(asked_prompt, 8).prompt_tokens);  // may be billed
    }
}

TEST_CASE("chat_endpoint: who is asked to stop comes back soon, in a request and in a wait") {
    local_server server;
    for (auto const* const scenario : {"hang", "500"}) {
        auto settings = server.settings(scenario);
        settings.timeout = settings.retries.first = settings.retries.longest = seconds(1000);
        chat_endpoint endpoint(settings);
        std::stop_source stop;
        std::jthread const later([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            stop.request_stop();
        });
        timed const clock;
        auto const answer = endpoint.ask(asked_prompt, stop.get_token());
        CHECK((!answer.text && answer.why == "it was asked to stop"));
        CHECK(clock() < 10.0);
    }
}

TEST_CASE("chat_endpoint: what no retry can cure is said at once, with the server's words and without the key") {
    local_server server;
    for (auto const* const scenario : {"401", "403", "404", "redirect", "429-quota"}) {
        INFO(scenario);
        chat_endpoint endpoint(with_key(server.settings(scenario)));
        try {
            endpoint.ask(asked_prompt);
            FAIL("it was not refused");
        } catch (endpoint_refused const& error) {
            std::string const said = error.what();
            INFO(said);
            CHECK(said.find("secret") == std::string::npos);
            CHECK(said.find('\n') == std::string::npos);
            if (scenario[0] == '4' && scenario[3] == '\0') {
                CHECK_THAT(said,
                           Contains("HTTP status " + std::string(scenario) + ": no: Bearer *** is of no use; check"));
            }
        }
        CHECK(server.requests(scenario) == 1);
    }
    CHECK(server.requests("good") == 0);  // where the redirection led
    chat_endpoint bad_request(with_key(server.settings("400")));
    auto const answer = bad_request.ask(asked_prompt);
    CHECK_THAT(answer.why, Contains("HTTP status 400: no: Bearer *** is of no use"));
    CHECK(server.requests("400") == 1);
}

TEST_CASE("chat_endpoint: a server that never gets well is given up after the last retry") {
    local_server server;
    chat_endpoint endpoint(server.settings("500"));
    auto const answer = endpoint.ask(asked_prompt);
    CHECK_FALSE(answer.text.has_value());
    CHECK(answer.why == "the judge at " + server.url("500") +
                            " answered with HTTP status 500: The server is out of order (asked 5 times)");
    auto nobody = server.settings("good");
    nobody.base_url = "http://127.0.0.1:1/v1";
    CHECK_THAT(chat_endpoint(nobody).ask(asked_prompt).why,
               Contains("did not answer: ") && Contains("(asked 5 times)"));
}

TEST_CASE("chat_endpoint: an answer that is no chat completion is shown without the key") {
    local_server server;
    chat_endpoint wrong(with_key(server.settings("schema")));
    auto const answer = wrong.ask(asked_prompt);
    CHECK_FALSE(answer.text.has_value());
    CHECK_THAT(answer.why, Contains("what is no chat completion: {\"result\": \"A\", \"key\": \"Bearer ***\"}"));
    chat_endpoint echo(with_key(server.settings("echo")));
    CHECK(echo.ask(asked_prompt).text == "you sent Bearer ***");
    chat_endpoint null(server.settings("null"));
    CHECK(null.ask(asked_prompt).text == "");
}

TEST_CASE("chat_endpoint: tokens are estimated where the server does not count them") {
    local_server server;
    for (auto const* const scenario : {"no-usage", "odd-usage"}) {
        chat_endpoint endpoint(server.settings(scenario));
        CHECK(endpoint.ask(asked_prompt).usage == estimated_usage(asked_prompt, 8));
    }
}

TEST_CASE("chat_endpoint: the cap on the cost is not passed, and requests keep their distance") {
    local_server server;
    auto settings = server.settings("good");
    settings.prices = {1e4, 0};  // a request costs 1
    settings.max_cost = 10.0;
    chat_endpoint endpoint(settings);
    CHECK_THROWS_WITH(
        [&] {
            for (int i = 0; i < 20; ++i) endpoint.ask(asked_prompt);
        }(),
        Contains("of --judge_max_cost 10: raise it"));
    CHECK(endpoint.meter().spent() <= 10.0);
    CHECK(server.requests("good") >= 4);
    auto paced = server.settings("pace");
    paced.requests_per_minute = 600;
    chat_endpoint slowly(paced);
    for (int i = 0; i < 4; ++i) slowly.ask(asked_prompt);
    auto const times = server.log("pace")["times"].get<std::vector<double>>();
    CHECK(times.back() - times.front() > 0.25);
}

TEST_CASE("chat_endpoint: settings that cannot be meant are refused before anything is asked") {
    auto const refuses = [](std::string const& url, std::string const& why) {
        CHECK_THROWS_WITH(chat_endpoint({.base_url = url, .model = "m"}), Contains(why));
    };
    refuses("localhost:8000/v1", "--judge_base_url must begin with http:// or https://");
    refuses("file:///etc/passwd", "must begin with");
    refuses("http://user:password@host/v1", "holds a user name or a password");
    refuses("http://host/v1?key=1", "holds a query");
    CHECK_THROWS_WITH(chat_endpoint({.base_url = "http://host/v1"}), Contains("--judge_model is empty"));
}
