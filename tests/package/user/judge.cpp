// SPDX-License-Identifier: Apache-2.0
#include <curl/curl.h>

#include <iostream>
#include <proximal/judge/win_rate.hpp>

int main() {
    proximal::judge::tally const counts{.wins = 1, .losses = 0, .ties = 1, .failures = 1};
    if (curl_version_info(CURLVERSION_NOW) == nullptr) return 1;
    std::cout << "win rate " << *proximal::judge::win_rate(counts) << " of " << counts.judged() << '\n';
}
