// SPDX-License-Identifier: Apache-2.0
#include <proximal/run/sharded_state.hpp>

#include <catch2/catch.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

namespace {

/// A moment of ten elements, of which a process holds [begin, end), and a count beside it.
struct moments {
    std::int64_t begin, end;
    bool whole = false;
    std::vector<double> values{};
    std::int64_t steps = 0;

    explicit moments(std::int64_t b, std::int64_t e, bool w = false)
        : begin(b), end(e), whole(w), values(static_cast<std::size_t>(e - b)) {}
    void fill() {
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(begin) + static_cast<double>(i);
        steps = 7;
    }
    void visit_state(state_archive& archive) {
        auto const name = whole ? std::string("policy.w") : fmt::format("policy.w[{}:{}]", begin, end);
        state_array array{"F64", {end - begin}, std::as_writable_bytes(std::span(values))};
        archive(name + "/moment", array);
        archive(name + "/steps", steps);
    }
};

void write_part(std::filesystem::path const& folder, moments part) {
    std::filesystem::create_directories(folder);
    part.fill();
    write_state(folder, [&](state_archive& archive) { archive.within("optimizer", part); });
}

}  // namespace

TEST_CASE("sharded_state: what any number of processes wrote is read by any other number") {
    support::temporary_folder const folder;
    write_part(folder.path / shard_name("optimizer", 0, 3), moments(0, 4));
    write_part(folder.path / shard_name("optimizer", 1, 3), moments(4, 8));
    write_part(folder.path / shard_name("optimizer", 2, 3), moments(8, 10));
    support::temporary_folder const single;
    write_part(single.path, moments(0, 10, true));
    for (auto const& from : {folder.path, single.path})
        for (auto const& [begin, end, whole] :
             {std::tuple{0, 10, true}, {0, 5, false}, {5, 10, false}, {3, 9, false}}) {
            moments wanted(begin, end, whole), expected(begin, end, whole);
            expected.fill();
            sharded_state state(from, "optimizer");
            state.within("optimizer", wanted);
            CHECK(wanted.values == expected.values);
            CHECK(wanted.steps == 7);
        }
    CHECK(has_shards(folder.path, "optimizer"));
    CHECK_FALSE(has_shards(single.path, "optimizer"));
}

TEST_CASE("sharded_state: a missing part, a hole, another dtype, another name are refused by name") {
    support::temporary_folder const folder;
    write_part(folder.path / shard_name("optimizer", 0, 2), moments(0, 4));
    CHECK_THROWS_WITH(sharded_state(folder.path, "optimizer"),
                      Catch::Contains("holds 1 of 2 parts of the optimizer's state"));
    write_part(folder.path / shard_name("optimizer", 1, 2), moments(5, 10));
    sharded_state state(folder.path, "optimizer");
    moments whole(0, 10, true);
    CHECK_THROWS_WITH(state.within("optimizer", whole),
                      Catch::Contains("dtype or shape of 'optimizer/policy.w/moment'"));
    std::vector<float> narrow(2);
    state_array array{"F32", {2}, std::as_writable_bytes(std::span(narrow))};
    sharded_state again(folder.path, "optimizer");
    CHECK_THROWS_WITH(again("optimizer/policy.w[0:2]/moment", array), Catch::Contains("another dtype"));
    CHECK_THROWS_WITH(again("optimizer/policy.v[0:2]/moment", array),
                      Catch::Contains("holds no 'optimizer/policy.v[0:2]/moment'"));
}
