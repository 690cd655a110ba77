// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <proximal/io/process.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/model/save_model.hpp>
#include <proximal/run/any_knob.hpp>
#include <proximal/run/metrics.hpp>
#include <proximal/run/ppo_config.hpp>
#include <proximal/run/refused_fields.hpp>
#include <proximal/text/bpe_trainer.hpp>
#include <set>

#include "../support/temporary_folder.hpp"
#include "../support/tiny_model.hpp"

using namespace proximal;
namespace fs = std::filesystem;

namespace {

/// How an option is shown to act: a run with `value` differs from one without it, both with `beside`; or it is refused
/// with a sentence; or the test at `elsewhere` shows it.
struct trial {
    std::string value, beside = "", refused = "", elsewhere = "";
};

trial shown_by(char const* test) { return {.value = "", .elsewhere = test}; }
trial refused(char const* value, char const* sentence) { return {.value = value, .refused = sentence}; }

std::string const evaluated = "--eval_fraction 0.3 --eval_strategy steps --eval_steps 1 ";
std::string const steep = "--num_ppo_epochs 3 --learning_rate 0.1 ";
std::string const best = evaluated + "--save_steps 1 --metric_for_best_model scores ";

std::map<std::string, trial> const trials{
    {"algorithm", {"rloo"}},
    {"num_ppo_epochs", {"2"}},
    {"num_mini_batches", {"2"}},
    {"kl_coef", {"5", "--learning_rate 0.1"}},
    {"cliprange", {"0.01", steep}},
    {"cliprange_value", {"0.001", steep}},
    {"vf_coef", {"0.5"}},
    {"gamma", {"0.5"}},
    {"lam", {"0.5"}},
    {"whiten_rewards", {"true", "--per_device_train_batch_size 8"}},
    {"missing_eos_penalty", {"1"}},
    {"temperature", {"1.3"}},
    {"response_length", {"3"}},
    {"stop_token", {"eos", "--temperature 50 --response_length 12"}},
    {"stop_token_id", {"5", "--temperature 50 --response_length 12 --total_episodes 40"}},
    {"local_rollout_forward_batch_size", shown_by("tests/lm/generation/generate_in_chunks.cpp")},
    {"total_episodes", {"16"}},
    {"num_train_epochs", {"1", "--total_episodes none"}},
    {"max_steps", {"1", "--total_episodes none"}},
    {"per_device_train_batch_size", {"2"}},
    {"per_device_eval_batch_size", {"2", "--eval_fraction 0.3"}},
    {"gradient_accumulation_steps", {"2"}},
    {"batch_size", refused("7", "does not agree")},
    {"mini_batch_size", refused("7", "does not agree")},
    {"micro_batch_size", refused("7", "does not agree")},
    {"local_batch_size", refused("7", "does not agree")},
    {"local_mini_batch_size", refused("7", "does not agree")},
    {"num_total_batches", refused("7", "does not agree")},
    {"world_size", refused("7", "does not agree")},
    {"auto_find_batch_size", shown_by("tests/lm/train/out_of_memory.cpp")},
    {"optim", {"sgd"}},
    {"learning_rate", {"0.01"}},
    {"weight_decay", {"0.5"}},
    {"adam_beta1", {"0.5"}},
    {"adam_beta2", {"0.5"}},
    {"adam_epsilon", {"0.1"}},
    {"max_grad_norm", {"0.001", "--adam_epsilon 0.1"}},
    {"lr_scheduler_type", {"constant"}},
    {"lr_scheduler_kwargs", {"'{\"power\": 3}'", "--lr_scheduler_type polynomial"}},
    {"warmup_ratio", {"0.6"}},
    {"warmup_steps", {"1"}},
    {"model_name_or_path", refused("other", "")},
    {"sft_model_path", {"policy2"}},
    {"reward_model_path", {"reward2"}},
    {"reward_command", {"'sed -u s/.*/1/'"}},
    {"reward_timeout", {.value = "0.2", .beside = "--reward_command 'sleep 20'", .refused = "timed out after 0.2 s"}},
    {"dataset_name", {"other.jsonl"}},
    {"dataset_train_split", {"extra", "--dataset_name splits"}},
    {"dataset_test_split", {"extra", "--dataset_name splits --eval_strategy steps --eval_steps 1"}},
    {"query_format", {"'{prompt}?'"}},
    {"max_prompt_length", {"8"}},
    {"dataset_num_proc", shown_by("tests/text/encode_rows.cpp")},
    {"data_seed", {"9"}},
    {"group_by_length", {"true"}},
    {"eval_fraction", {"0.5"}},
    {"report_to", {"csv"}},
    {"logging_strategy", {"no"}},
    {"logging_steps", {"2"}},
    {"logging_first_step", {"true", "--logging_steps 2"}},
    {"include_tokens_per_second", {"true"}},
    {"log_level", {"error", "terminal"}},
    {"disable_tqdm", {"true", "terminal"}},
    {"num_sample_generations", {"0"}},
    {"exp_name", {"another"}},
    {"run_name", {"another"}},
    {"doctor", {"false"}},
    {"output_dir", {"out2"}},
    {"overwrite_output_dir", {"true", "twice"}},
    {"save_strategy", {"no"}},
    {"save_steps", {"1"}},
    {"save_total_limit", {"1", "--save_steps 1"}},
    {"save_only_model", {"true"}},
    {"resume_from_checkpoint", shown_by("tests/examples/ppo.cpp")},
    {"ignore_data_skip", shown_by("tests/lm/train/checkpoint.cpp")},
    {"eval_strategy", {"epoch", "--eval_fraction 0.3 --total_episodes 24"}},
    {"eval_steps", {"1", "--eval_fraction 0.3 --eval_strategy steps"}},
    {"eval_on_start", {"true", "--eval_fraction 0.3"}},
    {"eval_delay", {"2", evaluated}},
    {"load_best_model_at_end", shown_by("tests/lm/train/checkpoint.cpp")},
    {"metric_for_best_model", {"kl", evaluated + "--save_steps 1 --load_best_model_at_end true"}},
    {"greater_is_better", {"false", best}},
    {"early_stopping_patience", {"1", evaluated + "--total_episodes 40 --learning_rate 0"}},
    {"early_stopping_threshold",
     {"1000", evaluated + "--total_episodes 40 --early_stopping_patience 3 --learning_rate 0.1"}},
    {"use_cpu", shown_by("tests/lm/any_device.cpp")},
    {"bf16", shown_by("tests/lm/mixed_precision.cpp")},
    {"fp16", refused("true", "--fp16 true is for an NVIDIA GPU")},
    {"tf32", refused("true", "--tf32 is a mode of NVIDIA GPUs")},
    {"cuda_graphs", refused("true", "--cuda_graphs records what a GPU does")},
    {"gradient_checkpointing", shown_by("tests/lm/model/recomputing_backbone.cpp")},
    {"torch_empty_cache_steps", refused("1", "--torch_empty_cache_steps")},
    {"offload_optimizer", refused("true", "--offload_optimizer moves from a GPU's memory to the host's")},
    {"offload_reference", refused("true", "--offload_reference moves from a GPU's memory to the host's")},
    {"offload_reward", refused("true", "--offload_reward moves from a GPU's memory to the host's")},
    {"logits_memory_mb", shown_by("tests/lm/train/predict.cpp")},
    {"batch_scope", shown_by("tests/lm/train/distributed_optimizer.cpp")},
    {"sharding", shown_by("tests/lm/train/distributed_optimizer.cpp")},
    {"gather_for_generation", refused("false", "--gather_for_generation false is not supported")},
    {"ddp_backend", {.value = "nccl", .beside = "--use_cpu true", .refused = "--ddp_backend nccl is for NVIDIA GPUs"}},
    {"ddp_bucket_cap_mb", shown_by("tests/lm/train/distributed_optimizer.cpp")},
    {"ddp_timeout", shown_by("tests/lm/distributed/c10d_communicator.cpp")},
    {"heartbeat_timeout", shown_by("tests/examples/many_processes.cpp")},
    {"deepspeed", shown_by("tests/run/map_sharding.cpp")},
    {"fsdp", shown_by("tests/run/map_sharding.cpp")},
    {"fsdp_config", shown_by("tests/run/map_sharding.cpp")},
    {"seed", {"7"}},
    {"full_determinism", shown_by("tests/lm/train/set_precision.cpp")},
};

/// A folder with small models and prompts, and the program.
struct bench_of_runs {
    support::temporary_folder folder;
    fs::path const& here = folder.path;

    bench_of_runs() {
        auto const words =
            text::train_bpe(std::vector<std::string>{"the cat sat on the mat"}, {.vocabulary_size = 262});
        auto config = support::tiny_config();
        config["vocab_size"] = words.size();
        config["max_position_embeddings"] = 40;
        for (int i : {1, 2}) {
            auto const ending = i == 1 ? "" : "2";
            auto const policy = lm::make_causal_lm(config, static_cast<std::uint64_t>(i));
            lm::save_model(policy, here / (std::string("policy") + ending));
            lm::save_model(
                lm::make_sequence_classifier(*policy.body, policy.config, 10 + static_cast<std::uint64_t>(i)),
                here / (std::string("reward") + ending));
            for (char const* name : {"policy", "reward"}) words.save(here / (std::string(name) + ending));
        }
        for (char const* name : {"prompts.jsonl", "other.jsonl"}) {
            std::ofstream out(here / name);
            for (int i = 0; i < 24; ++i)
                out << "{\"prompt\": \"" << std::string(std::size_t(1 + i * 7 % 11), 'm')
                    << (name[0] == 'o' ? 'z' : 'c') << static_cast<char>('a' + i) << "\"}\n";
        }
        fs::create_directories(here / "splits");
        for (auto const& [file, split] :
             {std::pair{"prompts.jsonl", "train"}, {"prompts.jsonl", "validation"}, {"other.jsonl", "extra"}})
            fs::copy_file(here / file, here / "splits" / (std::string(split) + ".jsonl"));
    }

    io::process_result run(std::string const& flags) const {
        auto const* const programs = std::getenv("PROXIMAL_BIN");
        REQUIRE(programs != nullptr);
        return io::run_program("/bin/sh",
                               {"-c", "cd " + here.string() + " && rm -rf out out2 out.* && " + once(flags)});
    }
    static std::string once(std::string const& flags) {
        return std::string(std::getenv("PROXIMAL_BIN")) +
               "/ppo --sft_model_path policy --reward_model_path reward --dataset_name prompts.jsonl --output_dir out"
               " --per_device_train_batch_size 4 --response_length 4 --num_ppo_epochs 1 --total_episodes 8 --use_cpu "
               "true"
               " --learning_rate 1e-3 " +
               flags + " 2>&1";
    }

    /// What a run left: its files by name, with the content of those that hold no times.
    std::map<std::string, std::string> left(std::string const& output, bool terminal) const {
        std::map<std::string, std::string> seen;
        auto const masked = [](nlohmann::json line) {
            for (auto& [name, value] : line.items())
                if (run::is_of_the_machine(name)) value = 0;
            return line;
        };
        for (auto const& entry : fs::recursive_directory_iterator(here)) {
            auto name = fs::relative(entry.path(), here).string();
            if (!name.starts_with("out") || !entry.is_regular_file()) continue;
            if (name.find("tfevents") != std::string::npos) name = "events";
            std::ifstream in(entry.path(), std::ios::binary);
            std::string const text(std::istreambuf_iterator<char>(in), {});
            auto& content = seen[name];
            auto const file = entry.path().filename().string();
            if (file == "metrics.jsonl") {
                std::istringstream lines(text);
                for (std::string line; std::getline(lines, line);)
                    content += masked(nlohmann::json::parse(line)).dump() + "\n";
            } else if (file == "trainer_state.json") {
                auto state = nlohmann::json::parse(text);
                for (auto& line : state["log_history"]) line = masked(line);
                content = state.dump();
            } else if (file.ends_with(".safetensors") || file.ends_with(".png") || file == "samples.jsonl") {
                content = text;
            }
        }
        if (terminal) seen["terminal"] = std::to_string(std::count(output.begin(), output.end(), '\n'));
        return seen;
    }
};

}  // namespace

TEST_CASE("options: each of TRL's 158 fields acts, seen in a run, or is refused with its sentence") {
    run::PPOv2Config config;
    std::set<std::string> names;
    for (auto const& knob : run::any_knobs(config)) names.insert(knob.name);
    for (auto const& name : names) {
        INFO(name);
        CHECK(trials.contains(name));
    }
    bench_of_runs const runs;
    std::map<std::string, std::map<std::string, std::string>> before;
    for (auto const& [name, one] : trials) {
        INFO("--" << name << " " << one.value << " beside " << one.beside);
        REQUIRE(names.contains(name));
        if (!one.elsewhere.empty()) {
            std::ifstream in(std::string(PROXIMAL_TEST_DATA) + "/../../" + one.elsewhere);
            std::string const text(std::istreambuf_iterator<char>(in), {});
            CHECK(text.find(name) != std::string::npos);
            continue;
        }
        bool const terminal = one.beside == "terminal", twice = one.beside == "twice";
        std::string const beside = terminal || twice ? "" : one.beside;
        auto const flags = beside + " --" + name + " " + one.value;
        if (!one.refused.empty() || name == "model_name_or_path") {
            auto const [status, output] = runs.run(flags);
            INFO(output);
            CHECK(status == 1);
            CHECK(output.find(one.refused.empty() ? "other" : one.refused) != std::string::npos);
            continue;
        }
        auto const key = one.beside;
        if (!before.contains(key)) {
            auto const [status, output] = runs.run(twice ? " && " + runs.once("") : beside);
            INFO(output);
            REQUIRE(status == 0);
            before[key] = runs.left(output, terminal);
        }
        auto const [status, output] = runs.run(twice ? " && " + runs.once(flags) : flags);
        INFO(output);
        CHECK(status == 0);
        CHECK(runs.left(output, terminal) != before[key]);
    }
}

TEST_CASE("options: a run's record without a change leaves what the run before it left") {
    bench_of_runs const runs;  // else the test above would see a difference where there is none
    auto const first = runs.left(runs.run("").output, false), second = runs.left(runs.run("").output, false);
    CHECK(first == second);
}
