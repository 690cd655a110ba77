// SPDX-License-Identifier: Apache-2.0
#include "mine.hpp"

#include <iostream>
#include <proximal/run/config_json.hpp>

int main() {
    mine::toll part;
    proximal::run::read_known_keys(part, nlohmann::json::parse(R"({"toll": 0.25, "other": 1})"));
    std::cout << proximal::run::to_json_object(part) << '\n';
}
