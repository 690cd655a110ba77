// SPDX-License-Identifier: Apache-2.0
//
// parity DIR: replays every recorded run of TRL's PPOv2Trainer, DIR/golden_<case>.{safetensors,json}, through the
// library's own road (generate, assemble, score, evaluate, update, measure), in float64 on the models in DIR/policy,
// DIR/ref and DIR/reward. Everything is read from the dump. Per case it prints the largest relative difference and the
// first quantity above 1e-9; it exits with 1 where there is one.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <proximal/io/safetensors.hpp>
#include <proximal/lm/generation/generate.hpp>
#include <proximal/lm/generation/scripted_sampler.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/lm/train/adamw.hpp>
#include <proximal/lm/train/measure.hpp>
#include <proximal/lm/train/score.hpp>
#include <proximal/lm/train/update.hpp>
#include <proximal/run/config_json.hpp>
#include <proximal/run/learning_rate_schedule.hpp>
#include <proximal/run/stock_ppo.hpp>

using namespace proximal;
using namespace proximal::libtorch;
using namespace proximal::io;
using namespace proximal::run;
using namespace proximal::lm;
namespace fs = std::filesystem;

namespace {

constexpr double tolerance = 1e-9;

/// The differences of one case: the largest, and the first that is too large.
struct comparison {
    double worst = 0.0;
    std::string worst_name = "nothing", first_above;
    int quantities = 0;

    /// max |ours − theirs| / max |theirs|. NaN equals NaN. The divisor is at least 1e-5, or what a difference was taken
    /// of: before the first step, changes of log-probs and the metrics of them are rounding noise on both sides.
    void check(std::string const& name, at::Tensor ours, at::Tensor theirs, double least_scale = 1e-5) {
        ours = ours.detach().to(at::kDouble).flatten();
        theirs = theirs.to(at::kDouble).flatten();
        double difference = INFINITY;
        if (ours.sizes() == theirs.sizes()) {
            auto const both_nan = ours.isnan().logical_and(theirs.isnan());
            ours = ours.masked_fill(both_nan, 0.0), theirs = theirs.masked_fill(both_nan, 0.0);
            double const scale = theirs.numel() > 0 ? theirs.abs().max().item<double>() : 0.0;
            double const gap = theirs.numel() > 0 ? (ours - theirs).abs().max().item<double>() : 0.0;
            difference = gap / std::max(scale, least_scale);
        }
        ++quantities;
        if (!(difference <= worst)) worst = difference, worst_name = name;
        if (!(difference <= tolerance) && first_above.empty())
            first_above = fmt::format("{} ({:.3g})", name, difference);
    }
    void check(std::string const& name, double ours, double theirs) {
        check(name, at::scalar_tensor(ours, at::kDouble), at::scalar_tensor(theirs, at::kDouble));
    }
};

/// The dump's tensors, by name.
class dump {
   public:
    explicit dump(fs::path const& path) : file_(path) {}
    bool contains(std::string const& name) const { return file_.tensors().contains(name); }
    at::Tensor operator()(std::string const& name) const {
        if (!contains(name)) throw std::runtime_error("the dump holds no tensor '" + name + "'; record it again");
        return to_tensor(file_.tensors().at(name));
    }
    auto const& names() const { return file_.tensors(); }

   private:
    static at::Tensor to_tensor(stored_tensor const& stored);
    safetensors file_;
};

at::Tensor dump::to_tensor(stored_tensor const& stored) { return proximal::lm::to_tensor(stored).clone(); }

/// A JSON file as Python writes it, where NaN and Infinity stand bare: they become null.
nlohmann::json python_json(fs::path const& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(in), {}), clean;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
        std::size_t skipped = 0;
        for (std::string_view word : {"NaN", "-Infinity", "Infinity"})
            if (!quoted && skipped == 0 && text.compare(i, word.size(), word) == 0) skipped = word.size();
        if (skipped > 0) clean += "null", i += skipped - 1;
        else clean += text[i];
    }
    auto json = nlohmann::json::parse(clean, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object())
        throw std::runtime_error(path.string() + " is missing or holds no JSON object: record the run again");
    return json;
}

comparison replay(fs::path const& folder, std::string const& name) {
    dump const recorded(folder / (name + ".safetensors"));
    auto const json = python_json(folder / (name + ".json"));
    PPOv2Config config;
    read_known_keys(config, json.at("config"));
    auto const& raw = json.at("config");
    token_roles const roles{.pad = json.at("pad"), .eos = json.at("eos"), .stop = config.stop_token_id};
    auto const rotary = json.value("inv_freq_dtype", "torch.float64") == "torch.float32" ? at::kFloat : at::kDouble;
    causal_lm const policy = load_causal_lm(folder / "policy", at::kDouble, at::kCPU, rotary);
    causal_lm const reference = load_causal_lm(folder / "ref", at::kDouble, at::kCPU, rotary);
    sequence_classifier const critic =
        load_sequence_classifier(folder / "reward", at::kDouble, at::kCPU, 0, nullptr, rotary);
    reward_function const reward =
        model_reward(load_sequence_classifier(folder / "reward", at::kDouble, at::kCPU, 0, nullptr, rotary),
                     config.local_rollout_forward_batch_size);
    set_requires_grad(policy, true);
    set_requires_grad(critic, true);
    std::vector<named_tensor> parameters;
    for (auto const& p : policy.parameters()) parameters.push_back({"policy." + p.name, p.kind, p.tensor});
    for (auto const& p : critic.parameters()) parameters.push_back({"value_model." + p.name, p.kind, p.tensor});
    adamw optimizer(parameters, {config.adam_beta1, config.adam_beta2, config.adam_epsilon, config.weight_decay});
    auto const ppo = stock_ppo(config);
    trainable algorithm = ppo;
    PPOv2Config unwhitened = config;
    unwhitened.whiten_rewards = false;
    auto const schedule = schedule_by_name(raw.value("lr_scheduler_type", "linear"), raw.at("num_total_batches"), 0);
    double const temperature = config.temperature + 1e-7;
    lm::single_process world;
    comparison result;
    bool first_step = true;

    for (std::int64_t u = 1; u <= static_cast<std::int64_t>(json.at("updates").size()); ++u) {
        std::string const at_u = fmt::format("u{}/", u);
        auto const& theirs = json.at("updates").at(static_cast<std::size_t>(u - 1));
        auto const check = [&](std::string const& what, at::Tensor const& ours, double least_scale = 1e-5) {
            if (recorded.contains(at_u + what)) result.check(at_u + what, ours, recorded(at_u + what), least_scale);
        };
        // generate: the recorded tokens, through the cache, to the last step
        auto const queries = recorded(at_u + "queries").to(at::kLong);
        auto const context = recorded(at_u + "context_length").item<std::int64_t>();
        auto const responses = recorded(at_u + "query_responses").to(at::kLong).slice(1, context).contiguous();
        std::vector<std::vector<std::int64_t>> prompts;
        for (std::int64_t b = 0; b < queries.size(0); ++b) {
            auto const row = queries[b].masked_select(queries[b].ne(roles.pad)).contiguous();
            prompts.emplace_back(row.const_data_ptr<std::int64_t>(), row.const_data_ptr<std::int64_t>() + row.numel());
        }
        auto const samples = generate(
            policy, prompts, {.temperature = temperature, .max_new_tokens = responses.size(1), .pad_token = roles.pad},
            scripted_sampler{responses});
        check("logprobs_unmasked", samples.logprobs);
        auto const padded = left_padded(prompts, roles.pad);
        check("queries", padded.ids);
        // assemble and score
        auto const batch = assemble(padded, samples, roles);
        auto const& mask = batch.mask;
        check("responses", batch.responses());
        check("postprocessed_responses", batch.postprocessed);
        check("sequence_lengths", mask.sum(1) - 1);
        check("padding_mask", mask.logical_not());
        check("padding_mask_p1", batch.value_mask.logical_not());
        check("contain_eos_token", batch.has_eos);
        auto const scored = score({&reference, &critic, &reward, temperature, config.local_rollout_forward_batch_size},
                                  batch, samples.logprobs, roles.pad);
        auto const& sampled = scored.recorded;
        auto const filled = [](at::Tensor const& x, at::Tensor const& where, double otherwise) {
            return at::where(where, x, otherwise);
        };
        check("logprobs", filled(sampled.logprobs.tensor, mask, 1.0));
        check("ref_logprobs", filled(sampled.ref_logprobs.tensor, mask, 1.0));
        check("values", filled(sampled.values.tensor, batch.value_mask, 0.0));
        check("scores_raw", sampled.scores.tensor);
        auto const kl = filled(sampled.logprobs.tensor - sampled.ref_logprobs.tensor, mask, 0.0);
        check("kl", kl);
        check("non_score_reward", -config.kl_coef * kl);
        // evaluate
        auto const evaluated = algorithm.evaluate(sampled);
        auto const& judged = evaluated.judged;
        auto const unwhitened_ppo = stock_ppo(unwhitened);
        check("rewards_before_whiten", unwhitened_ppo.shaper(sampled).rewards.tensor);
        check("scores", judged.scores.tensor);
        check("rewards", judged.rewards.tensor);
        check("advantages_before_whiten", gae{config.gamma, config.lam}(ppo.shaper(sampled)).advantages.tensor);
        check("advantages", judged.advantages.tensor);
        check("returns", judged.returns.tensor);
        // update
        double const learning_rate = config.learning_rate * schedule(u - 1);
        auto const micro_name = [](std::int64_t e, std::int64_t m, std::int64_t g) {
            return fmt::format("mb{}_{}_{}/", e, m, g);
        };
        auto const steps = [&](std::int64_t e, std::int64_t m, std::int64_t g) {
            return recorded(at_u + micro_name(e, m, g) + "did_step").item<std::int64_t>() != 0;
        };
        auto const observer = [&](micro_batch_view const& view) {
            std::string const mb = micro_name(view.epoch, view.mini, view.micro);
            auto const here = mask.index_select(0, view.index);
            check(mb + "micro_batch_inds", view.index);
            check(mb + "new_logprobs", filled(view.now.logprobs.tensor, here, 1.0));
            check(mb + "vpred", filled(view.now.values.tensor, batch.value_mask.index_select(0, view.index), 0.0));
            auto const moved =
                filled(view.now.logprobs.tensor - sampled.logprobs.tensor.index_select(0, view.index), here, 0.0);
            check(mb + "logprobs_diff", moved, sampled.logprobs.tensor.abs().max().item<double>());
            check(mb + "ratio", moved.exp());
            for (auto const& [ours, name] : {std::pair{"loss/policy_avg", "pg_loss"},
                                             {"loss/value_avg", "vf_loss"},
                                             {"val/clipfrac_avg", "vf_clipfrac"}})
                check(mb + name, at::scalar_tensor(view.measured.at(ours), at::kDouble));
            check(mb + "loss", view.loss);
            check(mb + "grad_norm_accumulated", at::scalar_tensor(optimizer.gradient_norm(), at::kDouble));
            if (first_step && steps(view.epoch, view.mini, view.micro)) {
                first_step = false;
                for (auto const& [name, kind, parameter] : parameters)
                    if (recorded.contains("first_step_grad/" + name))
                        result.check("first_step_grad/" + name,
                                     parameter.grad().defined() ? parameter.grad() : at::zeros_like(parameter),
                                     recorded("first_step_grad/" + name));
            }
        };
        std::int64_t const micro = config.per_device_train_batch_size,
                           mini = micro * config.gradient_accumulation_steps;
        auto const statistics =
            update(algorithm, {&policy, &critic}, optimizer, batch, judged,
                   {.ppo_epochs = config.num_ppo_epochs,
                    .mini_batch_size = mini,
                    .micro_batch_size = micro,
                    .temperature = temperature,
                    .learning_rate = learning_rate,
                    .pad = roles.pad,
                    .permutation =
                        [&](std::int64_t e) { return recorded(at_u + fmt::format("b_inds_epoch{}", e)).to(at::kLong); },
                    .steps_after = steps},
                   observer);
        for (auto const& [ours, name] : {std::pair{"policy/approxkl_avg", "approxkl"},
                                         {"policy/clipfrac_avg", "pg_clipfrac"},
                                         {"loss/policy_avg", "pg_loss"},
                                         {"loss/value_avg", "vf_loss"},
                                         {"val/clipfrac_avg", "vf_clipfrac"},
                                         {"policy/entropy_avg", "entropy"},
                                         {"val/ratio", "ratio"}})
            check(std::string("stats/") + name, at::tensor(statistics.series.at(ours), at::kDouble));
        // measure
        auto logged = measure(scored, evaluated, batch, roles, statistics, world);
        logged.set("lr", learning_rate);
        logged.set("episode", static_cast<double>(u * batch.size()));
        for (auto const& [key, value] : theirs.at("metrics").items()) {
            if (key == "epoch") continue;
            auto const* const ours = logged.find(key);
            if (ours == nullptr) throw std::runtime_error("the metric " + key + " of the dump is none of ours");
            result.check(at_u + "metrics/" + key, *ours, value.is_number() ? value.get<double>() : NAN);
        }
        // the parameters
        at::NoGradGuard const no_gradient;
        for (auto const& [name, kind, parameter] : parameters) {
            auto const sums = at::stack({parameter.sum(), parameter.square().sum(), parameter.abs().max()});
            result.check(at_u + "checksums/" + name, sums,
                         at::tensor(theirs.at("checksums").at(name).get<std::vector<double>>(), at::kDouble));
            if (recorded.contains(fmt::format("after_u{}/{}", u, name)))
                result.check(fmt::format("after_u{}/{}", u, name), parameter,
                             recorded(fmt::format("after_u{}/{}", u, name)));
        }
    }
    return result;
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 2) {
        fmt::print(stderr,
                   "usage: parity DIR, where DIR holds golden_<case>.safetensors, golden_<case>.json, policy/, ref/ "
                   "and reward/\n");
        return 2;
    }
    fs::path const folder = argv[1];
    if (!fs::is_directory(folder))
        throw std::runtime_error(folder.string() + " is no folder: give the folder of a recorded run");
    std::vector<std::string> cases;
    for (auto const& entry : fs::directory_iterator(folder))
        if (entry.path().stem().string().starts_with("golden_") && entry.path().extension() == ".safetensors")
            cases.push_back(entry.path().stem());
    std::sort(cases.begin(), cases.end());
    if (cases.empty())
        throw std::runtime_error(folder.string() + " holds no golden_<case>.safetensors: record one first");
    int failed = 0;
    for (auto const& name : cases) {
        auto const result = replay(folder, name);
        bool const equal = result.first_above.empty();
        failed += !equal;
        fmt::print("{:<20} {} quantities, largest relative difference {:.3g} ({}){}\n", name, result.quantities,
                   result.worst, result.worst_name, equal ? "" : ", FIRST ABOVE 1e-9: " + result.first_above);
    }
    fmt::print("{} passed, {} failed\n", static_cast<int>(cases.size()) - failed, failed);
    return failed > 0;
} catch (std::exception const& error) {
    fmt::print(stderr, "parity: {}\n", error.what());
    return 1;
}
