// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/io/running_hash.hpp>
#include <set>
#include <string>

using proximal::io::running_hash;

namespace {
std::uint64_t hash_of(auto const&... pieces) {
    running_hash hash;
    (hash.add(pieces), ...);
    return hash.value();
}
}  // namespace

TEST_CASE("running_hash: of the same pieces in the same order it is the same, whenever they come") {
    running_hash grown;
    CHECK(grown.value() == running_hash().value());
    std::uint64_t before = grown.value();
    for (auto const* piece : {"one", "", "two"}) {
        grown.add(std::string_view(piece));
        CHECK(grown.value() != before);  // an empty text is a piece too
        before = grown.value();
    }
    CHECK(grown.value() == hash_of(std::string_view("one"), std::string_view(""), std::string_view("two")));
}

TEST_CASE("running_hash: where a text ends, what order it has and whether it is a number make a difference") {
    using text = std::string_view;
    std::set<std::uint64_t> const different{hash_of(text("ab"), text("c")),
                                            hash_of(text("a"), text("bc")),
                                            hash_of(text("abc")),
                                            hash_of(text("c"), text("ab")),
                                            hash_of(text("abc"), text("")),
                                            hash_of(text(""), text("abc")),
                                            hash_of(text("1")),
                                            hash_of(1),
                                            hash_of(text("1", 1), 1),
                                            hash_of(text(std::string("\0", 1))),
                                            hash_of(0),
                                            hash_of(),
                                            hash_of(1, 2),
                                            hash_of(2, 1),
                                            hash_of(std::int64_t{1} << 40)};
    CHECK(different.size() == 15);
    CHECK(hash_of(1) == hash_of(std::uint64_t{1}));  // a number is its value, whatever its type
    CHECK(hash_of(-1) == hash_of(std::int64_t{-1}));
}
