// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/model/forwarding_backbone.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/run/stock_ppo.hpp>

#include "../../support/temporary_folder.hpp"
#include "../../support/tiny_run.hpp"

using namespace proximal;
using namespace proximal::lm;

namespace {
/// Runs out of memory where a micro-batch has more than two rows.
struct narrow_backbone final : forwarding_backbone {
    using forwarding_backbone::forwarding_backbone;
    at::Tensor forward(token_batch const& tokens, kv_cache* cache) const override {
        if (at::GradMode::is_enabled() && tokens.row_count > 2) {
            auto const too_much = at::empty({std::int64_t{1} << 46});  // as the allocator says it
        }
        return of_->forward(tokens, cache);
    }
};

std::int64_t micro_batch_found(run::PPOv2Config config) {
    support::temporary_folder const folder;
    config.output_dir = folder.path;
    auto given = support::arguments(config);
    given.policy.body = std::make_shared<narrow_backbone>(given.policy.body);
    ppo_trainer trainer(run::stock_ppo(config), given);
    trainer.train();
    CHECK(trainer.state().update == trainer.state().updates);
    return trainer.sizes().local_micro_batch_size;
}
}  // namespace

TEST_CASE("out of memory: it is told with the remedy, and --auto_find_batch_size applies it") {
    auto config = support::small_config();  // micro-batches of four
    CHECK_THROWS_WITH(micro_batch_found(config), Catch::Contains("out of memory with micro-batches of 4 episodes") &&
                                                     Catch::Contains("--gradient_accumulation_steps"));
    config.auto_find_batch_size = true;
    CHECK(micro_batch_found(config) == 2);
}

TEST_CASE("out of memory: the ways in which LibTorch says it") {
    CHECK(is_out_of_memory(std::bad_alloc()));
    CHECK_FALSE(is_out_of_memory(std::runtime_error("something else")));
    try {
        at::empty({std::int64_t{1} << 46});
        FAIL("this machine has 256 TiB of memory");
    } catch (std::exception const& error) {
        CHECK(is_out_of_memory(error));
    }
}
