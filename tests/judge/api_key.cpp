// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <proximal/judge/api_key.hpp>

using namespace proximal::judge;

TEST_CASE("api_key: comes from the environment, and goes into no message") {
    ::setenv("PROXIMAL_TEST_KEY", "sk-0123456789", 1);
    auto const key = api_key::from_environment("PROXIMAL_TEST_KEY");
    CHECK(key.authorization() == "Authorization: Bearer sk-0123456789");
    CHECK(key.scrubbed("Bearer sk-0123456789, sk-0123456789!") == "Bearer ***, ***!");
    CHECK(key.scrubbed("your key is sk-01234567") == "your key is ***");  // cut off
    CHECK(key.scrubbed("no key sk-0") == "no key sk-0");
    ::setenv("PROXIMAL_TEST_KEY", "secret\nX-Other: header", 1);
    try {
        api_key::from_environment("PROXIMAL_TEST_KEY");
        FAIL("a line break was taken");
    } catch (std::invalid_argument const& error) {
        CHECK(std::string(error.what()).find("PROXIMAL_TEST_KEY holds a space") != std::string::npos);
        CHECK(std::string(error.what()).find("secret") == std::string::npos);
    }
    ::unsetenv("PROXIMAL_TEST_KEY");
    CHECK(api_key::from_environment("PROXIMAL_TEST_KEY").empty());
    CHECK(api_key("EMPTY").scrubbed("EMPTY glass") == "EMPTY glass");  // a word, no secret
    CHECK(api_key().scrubbed("any text") == "any text");
}
