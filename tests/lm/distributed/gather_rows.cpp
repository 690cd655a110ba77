// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/distributed/gather_rows.hpp>

#include "../../support/thread_communicator.hpp"

using namespace proximal::lm;

TEST_CASE("gather_rows: what share_of cut comes together again, whatever the number of rows") {
    for (std::int64_t const rows : {3, 4, 7, 8}) {
        at::Tensor const all = at::arange(rows * 2, at::kDouble).view({rows, 2});
        std::vector<at::Tensor> gathered(3);
        support::as_processes(3, [&](auto const& world) {
            auto const [first, count] = share_of(rows, *world);
            gathered[static_cast<std::size_t>(world->rank())] = gather_rows(all.narrow(0, first, count), *world);
        });
        for (auto const& own : gathered) CHECK(at::equal(own, all));
    }
    support::as_processes(3, [&](auto const& world) {
        for (std::int64_t const few : {0, 1, 2}) {  // all of them take them
            CHECK_FALSE(is_shared_out(few, *world));
            CHECK(share_of(few, *world).first == 0);
            CHECK(share_of(few, *world).count == few);
        }
    });
    for (std::int64_t const rows : {0, 1, 3}) {  // that differ among processes, none among them
        std::vector<at::Tensor> gathered(3);
        support::as_processes(3, [&](auto const& world) {
            gathered[static_cast<std::size_t>(world->rank())] =
                gather_rows(at::full({rows * world->rank(), 2}, world->rank(), at::kDouble), *world);
        });
        for (auto const& all : gathered)
            CHECK((all.size(0) == 3 * rows && all.sum().item<double>() == 10.0 * double(rows)));
    }
    single_process alone;
    CHECK(share_of(5, alone).count == 5);
}
