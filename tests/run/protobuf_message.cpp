// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/protobuf_message.hpp>

using namespace proximal::run;

TEST_CASE("protobuf_message: the examples of the encoding's description") {
    protobuf_message integer;
    integer.integer(1, 150);
    CHECK(integer.encoded() == "\x08\x96\x01");
    protobuf_message text;
    text.bytes(2, "testing");
    CHECK(text.encoded() == "\x12\x07testing");
}

TEST_CASE("protobuf_fields: what was written, and nothing of what is cut off") {
    protobuf_message message;
    message.integer(1, 150);
    message.number(2, 0.5);
    message.number(3, 0.5f);
    message.bytes(16, "testing");
    message.numbers(5, {1.0, 2.0});
    auto const fields = protobuf_fields(message.encoded());
    REQUIRE(fields);
    REQUIRE(fields->size() == 5);
    CHECK((*fields)[0].number == 1);
    CHECK((*fields)[0].integer == 150);
    CHECK((*fields)[3].number == 16);
    CHECK((*fields)[3].bytes == "testing");
    CHECK((*fields)[4].bytes.size() == 16);
    auto const cut = message.encoded().substr(0, message.encoded().size() - 1);
    CHECK_FALSE(protobuf_fields(cut));
    CHECK_FALSE(protobuf_fields("\xff"));
    CHECK_FALSE(protobuf_fields("\x0b"));  // a group: no wire type of proto3
}
