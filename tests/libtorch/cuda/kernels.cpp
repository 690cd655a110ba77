// SPDX-License-Identifier: Apache-2.0
#include <proximal/libtorch/cuda/move_heads.hpp>
#include <proximal/libtorch/cuda/reverse_scan.hpp>
#include <proximal/libtorch/cuda/row_kernels.hpp>
#include <proximal/libtorch/cuda/sample_row.hpp>
#include <proximal/libtorch/cuda/sequence_mean.hpp>
#include <proximal/libtorch/cuda/token_loss.hpp>
#include <proximal/libtorch/nvrtc.hpp>
#include <proximal/proximal.hpp>

#include <catch2/catch.hpp>

using namespace proximal;
using namespace proximal::libtorch;

namespace support {

/// An array that holds nothing and writes down the kernels of the scans a part asks for: the part's own step formulas.
struct scans : elementwise<scans> {
    std::vector<std::string> kernels{};

    scans() = default;
    scans(double) {}
    friend bool absent(scans const&) { return false; }
    friend scans together(std::same_as<scans> auto const&... x) {
        scans all;
        (all.kernels.insert(all.kernels.end(), x.kernels.begin(), x.kernels.end()), ...);
        return all;
    }
    friend scans map(auto const&, std::same_as<scans> auto const&... x) { return together(x...); }
    friend scans sum(scans const& x) { return x; }
    friend scans row_sum(scans const& x) { return x; }
    friend scans next_step(scans const& x) { return x; }
    friend scans spread(scans const& row, scans const&) { return row; }
    friend scans group_mean(scans const& row, int) { return row; }
    friend scans max_of_others(scans const& row, int) { return row; }
    friend double item(scans const&) { return 0.0; }
    friend scans reverse_scan(auto const& formula, std::same_as<scans> auto const&... x) {
        scans all = together(x...);
        for (char const* scalar : {"float", "double"})
            all.kernels.push_back(cuda::reverse_scan_kernel<sizeof...(x)>(formula, scalar));
        return all;
    }
};

}  // namespace support

namespace {

using support::scans;

}  // namespace

TEST_CASE("cuda kernels: the run-time compiler takes every generated text, for sm_80, sm_90 and sm_100") {
    auto const compiler = nvrtc::find();
    if (!compiler) {
        WARN("SKIPPED: no libnvrtc on this machine, so no CUDA kernel was compiled");
        return;
    }
    auto const losses = boost::hana::make_tuple(
        clipped_surrogate{}, clipped_value{}, weighted(0.5, clipped_value{}), kl_loss<k1>{}, kl_loss<k3>{},
        clip_higher{}, dual_clip{}, two_sided_clip{}, cispo{}, sapo{}, reinforce{}, entropy_bonus{}, squared_value{},
        huber_value{}, gspo{}, gmpo{}, positive_lm{}, total(entropy_bonus{}, gspo{}),
        total(clipped_surrogate{}, clipped_value{}),
        total(kl_loss<k3>{}, weighted(0.5, clipped_value{}), clipped_surrogate{}));
    auto const gae_scans = gae{.gamma = 0.99, .lam = 0.95}(rollout<scans>{}).advantages.kernels;
    auto const score_scans = terminal_score{}(rollout<scans>{}).rewards.kernels;
    auto const off_policy_scans = leaky_v_trace{}(rollout<scans>{}).returns.kernels;
    auto const masked_scans = masked_gae{}(rollout<scans>{}).advantages.kernels;
    REQUIRE(gae_scans.size() == 2);
    REQUIRE(off_policy_scans.size() == 2);
    REQUIRE(masked_scans.size() == 4);
    REQUIRE(score_scans.size() == 2);
    for (int architecture : {80, 90, 100}) {
        auto const holds = [&](std::string const& source, char const* entry) {
            auto const cubin = compiler->compile(source, architecture);
            return cubin.starts_with("\177ELF") && cubin.find(entry) != std::string::npos;
        };
        boost::hana::for_each(losses, [&](auto const& loss) {
            for (std::string const scalar : {"float", "double"})
                CHECK(holds(cuda::token_loss_kernel(loss, scalar), "token_loss"));
        });
        for (std::string const scalar : {"float", "double"}) {
            CHECK(holds(cuda::sequence_mean_kernel(gspo{}, scalar), "sequence_mean"));
            CHECK(holds(cuda::sequence_mean_kernel(total(entropy_bonus{}, gmpo{}), scalar), "sequence_mean"));
        }
        for (auto const* kernels : {&gae_scans, &score_scans, &off_policy_scans, &masked_scans})
            for (auto const& kernel : *kernels) CHECK(holds(kernel, "reverse_scan"));
        for (std::string const scalar : {"float", "double"}) {
            CHECK(holds(cuda::row_kernels(scalar), "row_gradient"));
            CHECK(holds(cuda::sample_row_kernel(scalar), "sample_row"));
        }
    }
    for (int architecture : {80, 90, 100})
        for (std::string const scalar : {"float", "double", "bfloat16"})
            CHECK(compiler->compile(cuda::move_heads_kernel(scalar, 80), architecture).find("move_heads") !=
                  std::string::npos);
    CHECK_THROWS_WITH(compiler->compile(cuda::row_kernels("float"), 7),
                      Catch::Contains("knows no GPU of sm_7: install a LibTorch whose CUDA does"));
    CHECK_THROWS_WITH(compiler->compile("this is no kernel", 90), Catch::Contains("refused a generated kernel"));
}

TEST_CASE("cuda kernels: a kernel reads and writes only what its formula does") {
    auto const text = cuda::token_loss_kernel(total(clipped_surrogate{}), "float");
    CHECK(text.find("advantage_at") != std::string::npos);
    CHECK(text.find("d_logprob_at") != std::string::npos);
    CHECK(text.find("old_value") == std::string::npos);
    CHECK(text.find("d_value") == std::string::npos);
    CHECK(text.find("d_entropy") == std::string::npos);
}
