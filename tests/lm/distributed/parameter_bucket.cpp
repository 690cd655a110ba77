// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/distributed/parameter_bucket.hpp>

using namespace proximal::lm;

TEST_CASE("make_buckets: the last parameters first, by size and dtype; slices cover each element once") {
    std::vector<named_tensor> parameters;
    for (auto const& [name, size] : {std::pair{"a", 10}, {"b", 7}, {"c", 100}, {"d", 3}})
        parameters.push_back({name, parameter_kind::matrix, at::zeros({size}, at::kFloat)});
    parameters.push_back({"e", parameter_kind::bias, at::zeros({5}, at::kDouble)});
    for (std::int64_t const processes : {1, 2, 3, 4, 7}) {
        std::map<std::string, std::vector<int>> owners{{"a", std::vector<int>(10)},
                                                       {"b", std::vector<int>(7)},
                                                       {"c", std::vector<int>(100)},
                                                       {"d", std::vector<int>(3)},
                                                       {"e", std::vector<int>(5)}};
        for (std::int64_t rank = 0; rank < processes; ++rank) {
            auto const buckets = make_buckets(parameters, processes, rank, 4 * 20);
            REQUIRE(buckets.size() == 4);  // e (double), d, c (too large for any), b and a
            CHECK(buckets[0].members[0].of.name == "e");
            CHECK(buckets[3].members.size() == 2);
            CHECK(buckets[3].members[0].of.name == "b");
            for (auto const& bucket : buckets) {
                CHECK(bucket.padded % processes == 0);
                for (auto const& piece : bucket.pieces) {
                    CHECK(piece.at + piece.size() <= bucket.slice());
                    for (auto i = piece.begin; i < piece.end; ++i) ++owners[piece.of.name][static_cast<std::size_t>(i)];
                }
            }
        }
        for (auto const& [name, counts] : owners)
            for (int const count : counts) CHECK(count == 1);
    }
}
