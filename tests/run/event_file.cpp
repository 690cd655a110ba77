// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstring>
#include <iterator>
#include <proximal/run/event_file.hpp>
#include <proximal/run/metrics.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

TEST_CASE("crc32c: the check value of the standard") { CHECK(crc32c("123456789") == 0xE3069283u); }

TEST_CASE("protobuf_message: the examples of the encoding's description") {
    protobuf_message integer;
    integer.integer(1, 150);
    CHECK(integer.encoded() == "\x08\x96\x01");
    protobuf_message text;
    text.bytes(2, "testing");
    CHECK(text.encoded() == "\x12\x07testing");
}

TEST_CASE("event_file: records are framed with masked checksums, one per step") {
    support::temporary_folder const folder;
    std::filesystem::path path;
    {
        event_file file(folder.path / "runs");
        metrics numbers;
        numbers.set("objective/kl", 0.5);
        file.scalars(64, numbers);
        path = file.path();
    }
    CHECK(path.filename().string().starts_with("events.out.tfevents."));
    std::ifstream in(path, std::ios::binary);
    std::string const all(std::istreambuf_iterator<char>(in), {});
    std::vector<std::string> events;
    for (std::size_t at = 0; at < all.size();) {
        std::uint64_t size = 0;
        std::uint32_t masked = 0;
        std::memcpy(&size, all.data() + at, 8);
        auto const unmask = [](std::uint32_t m) {
            std::uint32_t const r = m - 0xA282EAD8u;
            return r >> 17 | r << 15;
        };
        std::memcpy(&masked, all.data() + at + 8, 4);
        CHECK(unmask(masked) == crc32c(std::string_view(all).substr(at, 8)));
        events.push_back(all.substr(at + 12, size));
        std::memcpy(&masked, all.data() + at + 12 + size, 4);
        CHECK(unmask(masked) == crc32c(events.back()));
        at += 16 + size;
    }
    REQUIRE(events.size() == 2);
    CHECK(events[0].find("brain.Event:2") != std::string::npos);
    CHECK(events[1].find("objective/kl") != std::string::npos);
    CHECK(events[1].find(std::string("\x00\x00\x00\x3f", 4)) != std::string::npos);  // 0.5f
    CHECK(events[1].find("\x10\x40") != std::string::npos);                          // step 64
}
