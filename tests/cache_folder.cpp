// SPDX-License-Identifier: Apache-2.0
#include <proximal/cache_folder.hpp>

#include "support/fake_machine.hpp"

#include <catch2/catch.hpp>

TEST_CASE("cache_folder: what is named first holds, and an empty name is none") {
    support::environment variables;
    variables.set("PROXIMAL_CACHE", "/a");
    variables.set("XDG_CACHE_HOME", "/b");
    variables.set("HOME", "/c");
    CHECK(proximal::cache_folder() == "/a");
    variables.unset("PROXIMAL_CACHE");
    CHECK(proximal::cache_folder() == "/b/proximal");
    variables.set("XDG_CACHE_HOME", "");
    CHECK(proximal::cache_folder() == "/c/.cache/proximal");
    variables.unset("HOME");
    CHECK(proximal::cache_folder().empty());
}
