// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/io/content_hash.hpp>
#include <set>
#include <string>

#include "../support/gzip.hpp"
#include "../support/temporary_folder.hpp"

using proximal::io::content_hash;

TEST_CASE("content_hash: of the same bytes it is the same, and of one bit, one byte or an order that differ another") {
    support::temporary_folder const folder;
    auto const path = folder.path / "a";
    auto const of = [&](std::string const& bytes) {
        support::write_bytes(path, bytes);
        return content_hash(path);
    };
    std::string text(3 * (1 << 20) + 45, 'x');  // several reads, and a rest that no word fills
    auto const whole = of(text);
    CHECK(of(text) == whole);
    std::set<std::uint64_t> seen{whole, of(""), of(std::string(1, '\0')), of(std::string(2, '\0')), of("ab"), of("ba")};
    CHECK(seen.size() == 6);
    for (std::size_t const at : {std::size_t(0), std::size_t(1) << 20, text.size() - 46, text.size() - 1}) {
        auto changed = text;
        changed[at] ^= 1;
        INFO(at);
        CHECK(seen.insert(of(changed)).second);
    }
    CHECK(seen.insert(of(text + 'x')).second);
    CHECK(seen.insert(of(text.substr(1))).second);
    CHECK_THROWS_WITH(content_hash(folder.path / "none"), Catch::Contains("none cannot be read"));
}
