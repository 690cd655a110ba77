// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <proximal/io/line_process.hpp>
#include <proximal/judge/chat_endpoint.hpp>
#include <string>

namespace judge_test {

/// A server that misbehaves (support/misbehaving_server.py), for as long as it lives.
class local_server {
   public:
    local_server() : program_({PROXIMAL_PYTHON, PROXIMAL_TEST_SUPPORT "/misbehaving_server.py"}) {
        ::setenv("no_proxy", "127.0.0.1", 1);  // a proxy of the machine's does not know this server
        port_ = program_.exchange({"port"}, std::chrono::seconds(30)).at(0);
    }
    std::string url(std::string const& scenario) const { return "http://127.0.0.1:" + port_ + "/" + scenario + "/v1"; }
    /// What came to a scenario: requests, authorizations, bodies, times, most (at once).
    nlohmann::json log(std::string const& scenario) {
        return nlohmann::json::parse(program_.exchange({"log " + scenario}, std::chrono::seconds(10)).at(0));
    }
    std::int64_t requests(std::string const& scenario) { return log(scenario)["requests"]; }

    /// An endpoint's settings in which a test takes no minutes.
    proximal::judge::chat_settings settings(std::string const& scenario) const {
        using proximal::judge::seconds;
        return {.base_url = url(scenario),
                .model = "a-model",
                .timeout = seconds(5),
                .retries = {.max_retries = 4, .first = seconds(0.01), .longest = seconds(0.05)}};
    }

   private:
    proximal::io::line_process program_;
    std::string port_;
};

}  // namespace judge_test
