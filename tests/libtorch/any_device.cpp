// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include <torch/csrc/autograd/autograd.h>
#include <csignal>
#include <functional>
#include <proximal/libtorch/logprob.hpp>
#include <proximal/libtorch/operations.hpp>
#include <proximal/libtorch/step_graph.hpp>
#include <proximal/libtorch/upload.hpp>
#include <vector>

#include "../support/emulated_launcher.hpp"
#include "../support/kernel_checks.hpp"
#include "../support/pretend_device.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal;
using namespace proximal::libtorch;
using support::pretend::happened;

namespace {

double const not_a_number = std::numeric_limits<double>::quiet_NaN();

at::Tensor there(at::Tensor const& x) { return x.to(support::pretend::device()); }

/// What is the same on every device: a function of two grids [B, T], a mask like them and a row [B].
struct law {
    char const* name;
    std::function<field(field const& x, field const& y, field const& mask, field const& row)> f;
};

std::vector<law> const functions{
    {"arithmetic", [](auto x, auto y, auto, auto) { return (1.0 - x) * y + x / (3.0 + y) - -y / 2.0; }},
    {"max, min", [](auto x, auto y, auto, auto) { return max(x, y) + 2.0 * min(x, y) + max(x, 0.5) - min(0.5, y); }},
    {"clamp by constants", [](auto x, auto, auto, auto) { return clamp(x, -0.5, 0.5) + clamp(x, 1.0, -1.0); }},
    {"clamp by arrays",
     [](auto x, auto y, auto, auto) { return clamp(x, y, 1.0) + clamp(x, -1.0, y) + clamp(x, y, y + 1.0); }},
    {"clamp of a constant", [](auto x, auto y, auto, auto) { return clamp(0.5, x, y) + clamp(0.5, 0.0, y); }},
    {"clamp by scalars",
     [](auto x, auto y, auto mask, auto) { return clamp(x, sum(mask) / -20.0, 1.0) * clamp(sum(mask), 0.1, 0.2) + y; }},
    {"clamp by NaN", [](auto x, auto, auto, auto) { return clamp(x, not_a_number, 1.0); }},
    {"comparisons",
     [](auto x, auto y, auto, auto) { return (x > y) + 2.0 * (x < y) + 4.0 * (x >= 0.5) + 8.0 * (0.5 <= y); }},
    {"select among arrays",
     [](auto x, auto y, auto mask, auto) { return select(mask, x, y) + select(x > y, y, 7.0) + select(y, -7.0, x); }},
    {"select among constants", [](auto x, auto y, auto, auto) { return select(x > y, 1.05, 0.3) * y; }},
    {"select among scalars",
     [](auto x, auto y, auto mask, auto) {
         return select(sum(mask) > 3.0, sum(mask), 0.3) * select(x, sum(mask), 1.05) + y;
     }},
    {"exp to detach", [](auto x, auto y, auto, auto) {
         return exp(x) + expm1(y) + log(abs(x) + 1.0) + sqrt(square(y) + 1.0) + sigmoid(x) + abs(x) + detach(y);
     }}};

std::vector<law> const operations{
    {"sums", [](auto x, auto, auto mask, auto) { return sum(x * mask) + row_sum(select(mask, x, 0.0)); }},
    {"spread", [](auto x, auto, auto, auto row) { return spread(row, x) * x; }},
    {"next_step", [](auto x, auto, auto, auto) { return next_step(x); }},
    {"groups",
     [](auto, auto, auto, auto row) { return group_mean(row, 2) * row + max_of_others(row, 4) + group_range(row, 2); }},
    {"reverse_scan",
     [](auto x, auto y, auto, auto) {
         return reverse_scan([](auto a, auto b) { return affine{a, b}; }, x, y);
     }},
    {"reverse_scan by a constant",
     [](auto x, auto y, auto, auto) {
         return reverse_scan([](auto a, auto b) { return affine{a - 0.5 * b, 0.95}; }, x, y);
     }},
    {"masked_mean", [](auto x, auto, auto mask, auto) { return masked_mean(x, mask); }},
    {"masked_variance", [](auto x, auto, auto mask, auto) { return masked_variance(x, mask); }},
    {"last_step", [](auto x, auto, auto mask, auto) { return x * last_step(mask); }},
    {"take_rows", [](auto x, auto, auto, auto) {
         return take_rows(x, std::vector{3, 0, 3});
     }}};

/// A law's value, with the gradients of its arguments where they learn.
std::vector<at::Tensor> evaluate(law const& one, std::vector<at::Tensor> const& arguments, bool learn,
                                 at::Device device) {
    std::vector<at::Tensor> inputs;
    for (auto const& x : arguments) inputs.push_back(x.detach().to(device, x.scalar_type(), false, /*copy=*/true));
    if (learn) inputs[0].set_requires_grad(true), inputs[1].set_requires_grad(true), inputs[3].set_requires_grad(true);
    std::int64_t const before = happened.waits();
    at::Tensor const value = one.f(inputs[0], inputs[1], inputs[2], inputs[3]).tensor;
    std::vector<at::Tensor> all{value.detach()};
    if (value.requires_grad()) {
        auto const weights = at::arange(1, value.numel() + 1, value.options().requires_grad(false)).view(value.sizes());
        torch::autograd::backward({(value * weights).sum()}, {});
        for (auto const& x : inputs)
            if (x.grad().defined()) all.push_back(x.grad());
    }
    CHECK(happened.waits() == before);
    return all;
}

void check_laws(std::vector<law> const& laws, bool with_NaN) {
    auto const type = GENERATE(at::kDouble, at::kFloat);
    auto const learn = GENERATE(false, true);
    auto const mask = at::tensor({1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 1}, type).view({4, 3});
    auto const x =
        at::tensor({-2.0, -0.5, 0.5, 0.0, 1.0, with_NaN ? not_a_number : 0.2, 2.0, 0.7, 0.5, -1.0, 0.3, 1.5}, type)
            .view({4, 3});
    auto const y =
        at::tensor({-1.0, -0.5, 0.5, 0.3, -1.0, 0.4, with_NaN ? not_a_number : 0.1, 0.7, 2.0, -1.0, 0.0, -0.5}, type)
            .view({4, 3});
    auto const row = at::tensor({1.0, 3.0, 3.0, -0.5}, type);
    double const near = type == at::kDouble ? 1e-12 : 1e-5;
    for (auto const& one : laws) {
        INFO(one.name << (learn ? ", with gradients, in " : " in ") << at::toString(type));
        auto const here = evaluate(one, {x, y, mask, row}, learn, at::kCPU);
        auto const away = evaluate(one, {x, y, mask, row}, learn, support::pretend::device());
        REQUIRE(here.size() == away.size());
        for (std::size_t i = 0; i < here.size(); ++i) {
            INFO((i == 0 ? "value" : "gradient") << ": " << here[i] << "\nand " << away[i].cpu());
            CHECK(away[i].device() == support::pretend::device());
            CHECK(away[i].scalar_type() == here[i].scalar_type());
            CHECK(away[i].sizes().equals(here[i].sizes()));
            CHECK(at::allclose(away[i].cpu(), here[i], near, near, /*equal_nan=*/true));
        }
    }
}

}  // namespace

TEST_CASE("pretend device: to take its addresses for the host's memory ends the process") {
    at::Tensor const x = there(at::ones({3}));
    ::pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::signal(SIGSEGV, SIG_DFL);  // not Catch's report
        ::_exit(static_cast<volatile float const*>(x.data_ptr())[1] == 1.0f ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGSEGV);
}

TEST_CASE("pretend device: waits are counted, a host tensor beside one of its own is refused, memory is given back") {
    std::int64_t const before = happened.bytes;
    {
        std::int64_t reads = happened.reads, writes = happened.writes;
        at::Tensor const x = there(at::arange(6, at::kDouble).view({2, 3}));
        CHECK(happened.writes == writes + 1);
        CHECK(happened.bytes > before);
        at::Tensor const y = (x.t() * 2.0 + 1.0).contiguous();
        CHECK(happened.reads == reads);
        CHECK(y.sum().item<double>() == 36.0);
        CHECK(happened.reads == reads + 1);
        CHECK(at::equal(y.cpu(), at::tensor({1.0, 7.0, 3.0, 9.0, 5.0, 11.0}).to(at::kDouble).view({3, 2})));
        CHECK(happened.reads == reads + 2);
        CHECK(y.gt(6.0).nonzero().size(0) == 3);
        CHECK(happened.reads == reads + 3);
        at::ones({2}).to(x.device(), at::kFloat, /*non_blocking=*/true);
        CHECK(happened.writes == writes + 1);
        CHECK_THROWS_WITH(x + at::ones({2, 3}), Catch::Contains("same device"));
        CHECK_THROWS_WITH(x.index_select(0, at::zeros({1}, at::kLong)), Catch::Contains("same device"));
        CHECK_THROWS_WITH(x.index_select(0, at::zeros({}, at::kLong)), Catch::Contains("same device"));
        CHECK_THROWS_WITH(at::cat({x, at::ones({2, 3}, at::kDouble)}), Catch::Contains("same device"));
    }
    CHECK(happened.bytes == before);
}

TEST_CASE("any device: a function of field gives what it gives on the CPU, ties, bounds and NaN too, and never waits") {
    check_laws(functions, true);
}

TEST_CASE("any device: an array operation gives what it gives on the CPU, and only item waits") {
    check_laws(operations, false);
    std::int64_t const reads = happened.reads;
    CHECK(item(field(there(at::scalar_tensor(2.5)))) == 2.5);
    CHECK(happened.reads == reads + 1);
    CHECK_THROWS_WITH(field(there(at::ones({2, 2}))) + field(at::ones({2, 2})), Catch::Contains("same device"));
}

TEST_CASE("any device: the laws hold where kernels are generated, too") {
    support::pretend::with_kernels const kernels;
    check_laws(operations, false);
    CHECK(kernels.launches() > 0);
}

TEST_CASE("any device: generated kernels, as a GPU would be given them, give the CPU's numbers") {
    support::pretend::with_kernels const kernels;
    auto const device = support::pretend::device();
    auto const before = kernels.launches();
    support::check_scan_kernels(device, {{1, 1}, {2, 33}, {7, 70}});
    support::check_loss_kernels(device, {{1, 1}, {2, 1}, {1, 7}, {29, 12}});
    support::check_logprob_kernels(device, {1, 5, 511, 513, 50304});
    support::check_sample_kernel(device, {1, 5, 511, 513, 5000});
    CHECK(kernels.launches() > before + 200);
}

TEST_CASE(
    "any device: a missing wait is seen: what is copied without waiting is not there yet, nor free to be changed") {
    auto const x = at::arange(4, at::kDouble);
    auto const away = there(x * 2);
    auto const read = at::zeros({4}, at::kDouble);
    read.copy_(away, /*non_blocking=*/true);
    CHECK(read.isnan().all().item<bool>());
    CHECK(item(field(away.sum())) == 12.0);  // waits
    CHECK(at::equal(read, x * 2));

    auto const sent = x.to(support::pretend::device(), at::kDouble, /*non_blocking=*/true);
    x.add_(1.0);
    CHECK_THROWS_WITH(sent.cpu(), Catch::Contains("the host changed a tensor [4] while it was being copied"));
    auto const uploaded = upload(x, support::pretend::device());
    x.add_(1.0);
    CHECK(at::equal(uploaded.cpu(), x - 1.0));
}

TEST_CASE("any device: a recorded step repeats its operations on what lies there, and may not ask the host") {
    support::pretend::with_kernels const kernels;
    auto const device = support::pretend::device();
    auto const sum = there(at::zeros({3}, at::kDouble)), x = there(at::ones({3}, at::kDouble));
    auto const logits = there(at::randn({3, 7}, at::kDouble)), targets = there(at::zeros({3}, at::kLong));
    auto const step = [&] {
        at::NoGradGuard const no_gradient;
        sum.add_(x * 2.0 + token_logprobs(logits, targets).logprob);
    };
    auto const each = at::full({3}, 2.0, at::kDouble) + logits.cpu().log_softmax(1).select(1, 0);
    auto const graph = new_step_graph(device);
    REQUIRE(graph != nullptr);
    graph->record(step);
    CHECK(at::allclose(sum.cpu(), each));  // once in effect
    graph->replay();
    CHECK(at::allclose(sum.cpu(), each * 2.0));
    x.zero_();  // what lies there now
    graph->replay();
    CHECK(at::allclose(sum.cpu(), each * 3.0 - 2.0));

    auto const refused = [&](auto const& wrong) { return new_step_graph(device)->record(wrong); };
    CHECK_THROWS_WITH(refused([&] { x.sum().item<double>(); }), Catch::Contains("waits while a step is recorded"));
    CHECK_THROWS_WITH(refused([&] { x.cpu(); }), Catch::Contains("while a step is recorded"));
    CHECK_THROWS_WITH(refused([&] { x.copy_(at::ones({3}, at::kDouble), true); }),
                      Catch::Contains("while a step is recorded"));
    CHECK(new_step_graph(at::kCPU) == nullptr);
}

TEST_CASE("any device: kernels take no rows, parts of larger tensors and columns that do not lie side by side") {
    support::pretend::with_kernels const kernels;
    auto const large = at::randn({6, 40}, at::kDouble), targets = at::tensor({3, 0, 5, 2}, at::kLong);
    auto const whole = there(large), of = there(targets);
    auto const check = [&](auto const& part) {
        auto const here = token_logprobs(part(large), targets, 0.7), away = token_logprobs(part(whole), of, 0.7);
        CHECK(at::allclose(away.logprob.cpu(), here.logprob, 1e-12, 1e-12));
        CHECK(at::allclose(away.entropy.cpu(), here.entropy, 1e-12, 1e-12));
    };
    check([](at::Tensor const& x) { return x.narrow(0, 2, 4); });                   // an offset
    check([](at::Tensor const& x) { return x.narrow(0, 1, 4).narrow(1, 5, 20); });  // and rows further apart
    check([](at::Tensor const& x) { return x.t().narrow(0, 9, 4); });               // columns as rows
    auto const none = token_logprobs(whole.narrow(0, 0, 0), of.narrow(0, 0, 0), 0.7);
    CHECK(none.logprob.size(0) == 0);
    auto const sum = [](auto a, auto b) { return affine{a, b}; };
    auto const scan = [&](at::Tensor const& x) {
        return reverse_scan(sum, field(x), field(at::full_like(x, 0.5))).tensor.cpu();
    };
    for (auto const& part : {std::pair{large.narrow(0, 3, 1), whole.narrow(0, 3, 1)},
                             {large.narrow(1, 39, 1), whole.narrow(1, 39, 1)},
                             {large.t(), whole.t()},
                             {large.narrow(0, 0, 0), whole.narrow(0, 0, 0)}})
        CHECK(at::allclose(scan(part.second), scan(part.first), 1e-12, 1e-12));
    // What is no address of the device is refused before a kernel could read it.
    double mine = 0.0;
    support::pretend::emulated_launcher const launch;
    CHECK_THROWS_WITH(
        launch("extern \"C\" __global__ void touch(double* x) { *x = 1.0; }\n", "touch", of.device(), 1, 1, &mine),
        Catch::Contains("not of its memory"));
}
