// SPDX-License-Identifier: Apache-2.0
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <proximal/libtorch/device.hpp>
#include <proximal/libtorch/fused_loss.hpp>
#include <proximal/libtorch/logprob.hpp>
#include <proximal/libtorch/sample_rows.hpp>
#include <proximal/lm/generation/filter_logits.hpp>
#include <proximal/lm/generation/multinomial_sampler.hpp>
#include <proximal/proximal.hpp>
#include <vector>

// The generated kernels against LibTorch's operations on a GPU, in one run: `bench_gpu` prints a table of milliseconds.

using namespace proximal;
using namespace proximal::libtorch;

namespace {

/// The median of 30 runs, each waited for, after 5 that warm up.
double milliseconds(at::Device device, std::function<void()> const& work) {
    c10::impl::VirtualGuardImpl const gpu(device.type());
    std::vector<double> taken;
    for (int i = 0; i < 35; ++i) {
        auto const begun = std::chrono::steady_clock::now();
        work();
        gpu.getStream(device).synchronize();
        taken.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
    }
    taken.erase(taken.begin(), taken.begin() + 5);
    std::nth_element(taken.begin(), taken.begin() + 15, taken.end());
    return taken[15];
}

void row(char const* what, std::string const& size, double composite, double fused, double gigabytes = 0.0) {
    std::printf("| %s | %s | %.4f | %.4f | %.1f | %s |\n", what, size.c_str(), composite, fused, composite / fused,
                gigabytes > 0 ? std::to_string(static_cast<int>(gigabytes / fused * 1e3)).c_str() : "");
    std::fflush(stdout);
}

token_logprob composed(at::Tensor const& logits, at::Tensor const& targets) {
    auto const log_p = at::log_softmax(logits / 0.7, -1);
    return {log_p.gather(1, targets.unsqueeze(1)).squeeze(1), -(log_p.exp() * log_p).sum(-1)};
}

void bench_logprob(at::Device device, std::int64_t rows) {
    std::int64_t const V = 50304;
    auto const x = at::randn({rows, V}, at::TensorOptions(device).dtype(at::kFloat)).requires_grad_();
    auto const targets = at::randint(0, V, {rows}, at::TensorOptions(device).dtype(at::kLong));
    auto const both = [&](auto const& f) {
        return milliseconds(device, [&] {
            token_logprob const y = f();
            torch::autograd::grad({y.logprob.sum() + 0.01 * y.entropy.sum()}, {x});
        });
    };
    auto const forward = [&](auto const& f) {
        at::NoGradGuard const guard;
        return milliseconds(device, [&] { f(); });
    };
    auto const one = [&] { return token_logprobs(x, targets, 0.7); };
    auto const many = [&] { return composed(x, targets); };
    double const grid = double(rows) * double(V) * 4e-9;
    row("log-prob + entropy, forward", std::to_string(rows) + " x 50304", forward(many), forward(one), grid);
    row("log-prob + entropy, forward and backward", std::to_string(rows) + " x 50304", both(many), both(one), 3 * grid);
}

void bench_losses(at::Device device, std::int64_t B, std::int64_t T) {
    auto const options = at::TensorOptions(device).dtype(at::kFloat);
    auto const grid = [&] { return field(at::randn({B, T}, options)); };
    rollout<field> batch;
    batch.mask = batch.value_mask = field(at::ones({B, T}, options));
    batch.scores = field(at::randn({B}, options));
    batch.has_eos = field(at::ones({B}, options));
    batch.logprobs = grid(), batch.values = grid();
    batch.rewards = field(at::zeros({B, T}, options));
    batch.ref_logprobs = field(batch.logprobs.tensor + 0.1 * at::randn({B, T}, options));
    auto const stock = algorithm{chain(missing_eos_penalty{1.0}, kl_penalty<k1>{}, terminal_score{}),
                                 chain(gae{}, whiten{}), total(clipped_surrogate{}, clipped_value{})};
    auto const then = stock.evaluate(batch);
    prediction<field> now;
    now.logprobs = field((batch.logprobs.tensor + 0.01 * at::randn({B, T}, options)).requires_grad_());
    now.values = field(batch.values.tensor.clone().requires_grad_());
    now.entropies = grid();
    auto const backward = [&](auto const& f) {
        return milliseconds(device, [&] {
            auto const loss = f().loss.tensor;
            torch::autograd::grad({loss}, {now.logprobs.tensor, now.values.tensor});
        });
    };
    auto const size = std::to_string(B) + " x " + std::to_string(T);
    row("token loss of PPO, forward and backward", size, backward([&] { return stock.measure(then, now); }),
        backward([&] { return fused_loss(stock, then, now); }));
    auto const step = [](auto const& reward, auto const& value) {
        return affine{reward - value, 0.95 * min(1.0, value * value + 1.0)};
    };
    row("a linear recurrence (as in GAE)", size,
        milliseconds(device, [&] { scan_rounds(step(then.rewards, batch.values)); }),
        milliseconds(device, [&] { reverse_scan(step, then.rewards, batch.values); }));
}

/// A token drawn of each row: LibTorch's operations as generation composes them, against one kernel.
void bench_sampling(at::Device device, std::int64_t rows, std::int64_t top_k, double top_p) {
    std::int64_t const V = 50304;
    auto const options = at::TensorOptions(device);
    auto const logits = at::randn({rows, V}, options.dtype(at::kFloat)) * 3;
    auto const numbers = at::rand({rows}, options.dtype(at::kDouble));
    auto const composed = [&] {
        auto const likely = lm::keep_top_p(lm::keep_top_k(logits / 0.7, top_k), top_p).log_softmax(1);
        likely.gather(1, lm::multinomial_sampler{}.choose(likely, numbers).unsqueeze(1));
    };
    auto const* const launch = cuda::launcher_for(logits);
    auto const how = top_k > 0 || top_p < 1.0 ? "draw of a token, top-k and top-p" : "draw of a token";
    at::NoGradGuard const guard;
    row(how, std::to_string(rows) + " x 50304", milliseconds(device, composed),
        milliseconds(device, [&] { sample_rows(*launch, logits, numbers, 0.7, top_k, top_p); }));
}

}  // namespace

int main() {
    auto const device = choose_device(/*use_cpu=*/false);
    if (!device.is_cuda()) {
        std::fputs("bench_gpu measures an NVIDIA GPU, and there is none that LibTorch can use\n", stderr);
        return 1;
    }
    std::puts("| what | size | operations ms | kernel ms | ratio | GB/s |\n|---|---|---|---|---|---|");
    for (std::int64_t const rows : {512, 4096}) bench_logprob(device, rows);
    bench_losses(device, 64, 53);
    bench_losses(device, 4096, 256);
    for (std::int64_t const rows : {64, 512})
        bench_sampling(device, rows, 0, 1.0), bench_sampling(device, rows, 50, 0.9);
}
