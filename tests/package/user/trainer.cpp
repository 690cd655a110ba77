// SPDX-License-Identifier: Apache-2.0
#include "mine.hpp"

#include <iostream>
#include <proximal/trainer/config_json.hpp>

int main() {
    mine::toll part;
    proximal::read_known_keys(part, nlohmann::json::parse(R"({"toll": 0.25, "other": 1})"));
    std::cout << proximal::to_json_object(part) << '\n';
}
