// SPDX-License-Identifier: Apache-2.0
#include "../../support/compiled_text.hpp"
#include "../../support/edge_batches.hpp"
#include "../../support/emulated_kernels.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <proximal/libtorch/cuda/reverse_scan.hpp>
#include <proximal/libtorch/cuda/row_kernels.hpp>
#include <proximal/libtorch/cuda/sequence_mean.hpp>
#include <proximal/libtorch/cuda/token_loss.hpp>

// The CUDA kernels' own text, run where there is no GPU: see emulated_kernels.hpp.

using namespace proximal;
using namespace proximal::libtorch;
using eigen::array;
using support::compiled_text;

namespace {

compiled_text on_cpu(std::string const& kernels, std::string const& entry) {
    return compiled_text(support::kernel_device + kernels +
                             "extern \"C\" void run([[maybe_unused]] double const* in, double* out) {\n" + entry +
                             "}\n",
                         "-std=c++20 -O1");
}
/// Array number k of n numbers each.
std::string part(char const* of, int k, int n) { return std::string(of) + " + " + std::to_string(k * n); }

void append(std::vector<double>& in, array const& x) {
    in.insert(in.end(), x.cells.data(), x.cells.data() + x.cells.size());
}

/// What a kernel may read of a batch, by its name in the text; weights as token_mean makes them.
std::map<std::string, array, std::less<>> named_inputs(support::edge_batch const& batch) {
    std::map<std::string, array, std::less<>> named;
    token_fields.for_each([&](auto field) {
        array& x = named[std::string(field.name)];
        if constexpr (field.held_by == holder::prediction) x = field.of(batch.now);
        else if constexpr (is_weight(field.counts))
            x = token_mean{}(over_values(field.counts) ? batch.then.value_mask : batch.then.mask);
        else if constexpr (field.held_by != holder::token) x = field.of(batch.then);
    });
    return named;
}

bool near(double got, double expected) {
    if (std::isnan(expected)) return std::isnan(got);
    return got == expected || std::abs(got - expected) <= 1e-12 * (1.0 + std::abs(expected));
}

}  // namespace

TEST_CASE("reverse_scan kernel: a warp's rounds give the reference's recurrence, over one round's steps and several") {
    auto const step = [](auto const& counts, auto const& reward, auto const& value) {
        return affine{select(counts, reward, 0.0) - value, clamp(value, -0.9, 0.9)};
    };
    for (int T : {1, 5, 32, 33, 70}) {
        auto const batch = support::batch_of("", {T, 1, T / 2}, T);
        auto const& then = batch.then;
        auto const expected = reverse_scan(step, then.mask, then.rewards, then.values);
        int const n = 3 * T;
        auto const text = on_cpu(cuda::reverse_scan_kernel<3>(step, "double"),
                                 "launch(3, 32, [&] { reverse_scan(3, " + std::to_string(T) + ", " + part("in", 0, n) +
                                     ", " + part("in", 1, n) + ", " + part("in", 2, n) + ", out); });\n");
        std::vector<double> in, out(n);
        for (auto const* x : {&then.mask, &then.rewards, &then.values}) append(in, *x);
        text.find("run")(in.data(), out.data());
        for (int i = 0; i < n; ++i) {
            INFO("T " << T << ", cell " << i);
            CHECK(near(out[i], expected.cells.data()[i]));
        }
    }
}

TEST_CASE("token_loss kernel: loss, metrics and gradients are the reference's, whatever padding holds") {
    auto const formula = total(clipped_surrogate{}, clipped_value{});
    auto const stock = algorithm{terminal_score{}, gae{}, formula};
    auto const source = token_source(formula);
    for (auto const& batch : support::edge_batches()) {
        if (batch.then.mask.cells.size() != 15) continue;
        static constexpr int n = 15, blocks = 2, sums = 5;
        std::vector<double> in;
        std::string arguments = std::to_string(n) + ", in, in + 15";
        append(in, batch.then.mask), append(in, batch.then.value_mask);
        auto const named = named_inputs(batch);
        for (auto const& name : source.inputs) {
            arguments += ", in + " + std::to_string(in.size());
            append(in, named.at(name));
        }
        static auto const text =
            on_cpu(cuda::token_loss_kernel(formula, "double"),
                   "launch(2, 4, [&] { token_loss(" + arguments + ", out, out + 15, out + 30); });\n");
        std::vector<double> out(2 * n + blocks * sums);
        text.find("run")(in.data(), out.data());
        auto const expected = eigen::loss_and_gradient(stock, batch.then, batch.now);
        INFO(batch.name);
        for (int i = 0; i < n; ++i)
            for (auto const& [got, slope] : {std::pair{out[i], expected.gradient.logprobs.cells.data()[i]},
                                             std::pair{out[n + i], expected.gradient.values.cells.data()[i]}})
                CHECK((std::isfinite(slope) ? near(got, slope) : !std::isfinite(got)));
        auto const measured = stock.measure(batch.then, batch.now);
        auto const total_of = [&](int k) { return out[2 * n + k] + out[2 * n + sums + k]; };
        CHECK(near(total_of(0), measured.loss(0, 0)));
        int k = 1;
        boost::hana::for_each(measured.metrics,
                              [&](auto const& metric) { CHECK(near(total_of(k++), metric.value(0, 0))); });
    }
}

TEST_CASE("sequence_mean kernel: a warp's sum is the reference's, holes, empty rows and several rounds included") {
    for (auto const& term : {gmpo{0.2, 0.3}})
        for (int T : {1, 5, 32, 70}) {
            auto batch = support::batch_of("", {T, 0, T / 2 + 1}, T, std::numeric_limits<double>::quiet_NaN());
            if (T > 3) batch.then.mask(0, 2) = 0.0;
            auto const algorithm = proximal::algorithm{terminal_score{}, gae{}, term};
            auto const expected = tokens(term, batch.then, batch.now, token_mean{}).sequence_mean;
            int const n = 3 * T;
            std::string arguments;
            std::vector<double> in, out(n);
            auto const named = named_inputs(batch);
            append(in, batch.then.mask), append(in, batch.then.value_mask);
            for (auto const& name : averaged_source(algorithm.formula).inputs) {
                arguments += ", in + " + std::to_string(in.size());
                append(in, named.at(name));
            }
            auto const text = on_cpu(cuda::sequence_mean_kernel(term, "double"),
                                     "launch(3, 32, [&] { sequence_mean(" + std::to_string(T) + ", in, in + " +
                                         std::to_string(n) + arguments + ", out); });\n");
            text.find("run")(in.data(), out.data());
            for (int i = 0; i < n; ++i) {
                INFO("T " << T << ", cell " << i);
                CHECK(near(out[i], expected.cells.data()[i]));
            }
        }
}

TEST_CASE("row kernels: statistics and gradient of a softmax row, impossible tokens and NaN too") {
    double const infinite = std::numeric_limits<double>::infinity(), NaN = infinite - infinite, scale = 0.7;
    for (int V : {1, 5, 64, 200}) {
        static constexpr int rows = 5;
        array logits(rows, V);
        std::mt19937 engine(V);
        std::normal_distribution<double> normal;
        for (double& x : logits.cells.reshaped()) x = 3 * normal(engine);
        logits(1, V - 1) = 1e4, logits(2, 0) = V > 1 ? -infinite : 0.0, logits(3, V / 2) = NaN;
        for (int j = 0; j + 1 < V; ++j) logits(4, j) = -infinite;
        std::string const v = std::to_string(V), targets = std::to_string(V - 1);
        auto const text =
            on_cpu(cuda::row_kernels("double"),
                   "static long long targets[5] = {" + targets + "," + targets + "," + targets + "," + targets + "," +
                       targets +
                       "};\n"
                       "launch(5, 64, [&] { row_statistics(in, targets, out, out + 5, out + 10, out + 15, " +
                       v +
                       ", 0.7); });\n"
                       "double const d_logprob[5] = {1, -2, 0.5, 1, 1}, d_entropy[5] = {0.5, 1, -1, 1, 2};\n"
                       "launch(5, 64, [&] { row_gradient(in, targets, out + 5, out + 10, out + 15, d_logprob, "
                       "d_entropy, out + 20, " +
                       v + ", 0.7); });\n");
        std::vector<double> out(20 + rows * V);
        text.find("run")(logits.cells.data(), out.data());
        double const d_logprob[] = {1, -2, 0.5, 1, 1}, d_entropy[] = {0.5, 1, -1, 1, 2};
        for (int b = 0; b < rows; ++b) {
            INFO("V " << V << ", row " << b);
            long double highest = -infinite, sum = 0, entropy = 0;
            for (int j = 0; j < V; ++j) highest = std::max<long double>(highest, scale * logits(b, j));
            for (int j = 0; j < V; ++j) sum += std::exp(scale * logits(b, j) - highest);
            auto const log_p = [&](int j) { return scale * logits(b, j) - highest - std::log(sum); };
            for (int j = 0; j < V; ++j) entropy -= std::isinf(log_p(j)) ? 0.0L : std::exp(log_p(j)) * log_p(j);
            CHECK(near(out[b], double(log_p(V - 1))));
            CHECK(near(out[5 + b], double(entropy)));
            for (int j = 0; j < V; ++j) {
                long double const p = std::exp(log_p(j)), l = std::isinf(log_p(j)) ? 0.0L : log_p(j);
                long double const slope =
                    d_logprob[b] * scale * ((j == V - 1) - p) - d_entropy[b] * scale * p * (l + entropy);
                CHECK(near(out[20 + b * V + j], double(slope)));
            }
        }
    }
}
