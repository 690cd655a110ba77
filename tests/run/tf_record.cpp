// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/tf_record.hpp>

using namespace proximal::run;

TEST_CASE("crc32c: the check value of the standard") { CHECK(crc32c("123456789") == 0xE3069283u); }

TEST_CASE("tf_records: what was framed, up to the first that is cut off or damaged") {
    auto const first = tf_record("one"), second = tf_record(std::string("\0\n", 2)),
               all = first + second + tf_record("three");
    REQUIRE(tf_records(all).size() == 3);
    CHECK(tf_records(all)[1] == std::string_view("\0\n", 2));
    CHECK(tf_records(all.substr(0, all.size() - 1)).size() == 2);
    auto damaged = all;
    damaged[first.size() + 12] ^= 1;
    CHECK(tf_records(damaged).size() == 1);
    damaged = all;
    damaged[0] = 4;
    CHECK(tf_records(damaged).empty());
    CHECK(tf_records("").empty());
}
