// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <proximal/io/process.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/save_model.hpp>
#include <proximal/lm/train/set_precision.hpp>
#include <proximal/run/checkpoint_folder.hpp>
#include <proximal/text/bpe_trainer.hpp>

#include "../../examples/algorithms/algorithm_named.hpp"
#include "../support/ppo_workshop.hpp"
#include "../support/temporary_folder.hpp"
#include "../support/tiny_model.hpp"

using namespace proximal;
using namespace proximal::libtorch;
using namespace proximal::io;
using namespace proximal::text;
using namespace proximal::lm;
namespace fs = std::filesystem;
using support::workshop;

TEST_CASE("ppo: every algorithm by its name, without the models it does not read") {
    workshop const w;
    for (auto const& [known, make] : examples::named_algorithms()) {
        std::string const name(known);
        if (name == "ppo") continue;  // which reads them all
        std::string const more = name == "dapo" ? " --overlong_buffer 2" : "";
        auto const [status, output] = w.run("--algorithm " + name + more);
        INFO(output);
        REQUIRE(status == 0);
        CHECK(output.find("Proximal: " + name + " on ") != std::string::npos);
        CHECK_FALSE(fs::exists(w.out / "value_model"));  // none of them has a critic
        auto const record = nlohmann::json::parse(w.read(w.out / "config_ppo.json"));
        CHECK(record["algorithm"] == name);
        CHECK(record.contains("group_size") == (name != "remax"));
        auto const logged = nlohmann::json::parse(
            w.read(w.out / "metrics.jsonl").substr(0, w.read(w.out / "metrics.jsonl").find('\n')));
        bool const reference = name == "rloo" || name == "grpo" || name == "remax";
        CHECK(logged.contains("objective/kl") == reference);
        CHECK(logged.contains("policy/gate_avg") == (name == "mine"));
        CHECK(logged.contains("policy/update_stopped") == (name == "off_policy"));
    }
}

TEST_CASE("ppo: an algorithm's knobs are flags, and only its own") {
    workshop const w;
    auto const [status, output] = w.run("--algorithm=mine --soft_gate_tau 3 --brevity 0.5 --group_size 2");
    INFO(output);
    REQUIRE(status == 0);
    auto const record = nlohmann::json::parse(w.read(w.out / "config_ppo.json"));
    CHECK((record["soft_gate_tau"] == 3.0 && record["brevity"] == 0.5 && record["group_size"] == 2));
    fs::remove_all(w.out);
    CHECK_THAT(w.refusal("--algorithm grpo --soft_gate_tau 3"),
               Catch::Contains("no part of grpo reads it; of the other algorithms mine would"));
    CHECK(w.refusal("--algorithm mine --soft_gate_tau 0") == "--soft_gate_tau must be above 0, but is 0.");
    CHECK(w.refusal("--algorithm grp").find("--algorithm grp is not known: choose ppo, rloo, grpo") == 0);
    CHECK(w.refusal("--algorithm rloo --group_size 3").find("does not divide into groups of 3") != std::string::npos);
    CHECK(w.refusal("--algorithm rloo --group_size two").find("--group_size expects a whole number, not 'two'") == 0);
    auto const help = w.run("--algorithm gspo --help");
    CHECK(help.status == 0);
    CHECK(help.output.find("--cliprange_high") != std::string::npos);
}

TEST_CASE("ppo: a program gives the reward, and the critic may be made of a language model") {
    workshop const w;
    w.write("judge.py",
            "import json, sys\nfor line in sys.stdin:\n    print(len(json.loads(line)['response']), flush=True)\n");
    fs::remove_all(w.here / "reward");
    auto const [status, output] =
        w.run("--algorithm ppo --reward_model_path policy --reward_command 'python3 judge.py'");
    INFO(output);
    CHECK(status == 0);
    CHECK(output.find("the critic's was drawn at random") != std::string::npos);
    w.write("broken.py", "print('good')\n");
    CHECK(w.run("--reward_model_path policy --reward_command 'python3 broken.py'").status == 1);
}

TEST_CASE("ppo: trains from folders, and what it saves trains again") {
    workshop const w;
    auto const [status, output] = w.run("--missing_eos_penalty 1.0 --stop_token eos");
    INFO(output);
    REQUIRE(status == 0);
    CHECK(output.find("mean score of") != std::string::npos);
    for (char const* file :
         {"model.safetensors", "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
          "special_tokens_map.json", "value_model/model.safetensors", "metrics.jsonl", "runs"})
        CHECK(fs::exists(w.out / file));
    auto const metrics = w.read(w.out / "metrics.jsonl");
    CHECK(std::count(metrics.begin(), metrics.end(), '\n') == 2);
    auto const again = w.run("--sft_model_path out --reward_model_path out/value_model --output_dir second");
    INFO(again.output);
    CHECK(again.status == 0);
    CHECK(w.run("").status == 0);
    CHECK(fs::exists(w.here / "out.previous" / "metrics.jsonl"));
}

TEST_CASE("ppo: the data may be chats, and bring their own evaluation split") {
    workshop const w;
    fs::create_directory(w.here / "data");
    std::string lines;
    for (int i = 0; i < 8; ++i)
        lines += R"({"messages": [{"role": "user", "content": "hi )" + std::to_string(i) + "\"}]}\n";
    w.write("data/train.jsonl", lines);
    w.write("data/validation.jsonl", lines);
    auto const [status, output] = w.run("--dataset_name data");
    INFO(output);
    CHECK(status == 0);
    CHECK(output.find("User: hi") != std::string::npos);
}

TEST_CASE("ppo: bad flags") {
    workshop const w;
    CHECK(w.refusal("--learning_rte 1") == "there is no flag --learning_rte: did you mean --learning_rate? See --help");
    CHECK(w.refusal("--learning_rate fast") == "--learning_rate expects a number, not 'fast'");
    CHECK_THAT(w.refusal("--missing_eos_penalty -1"), Catch::StartsWith("--missing_eos_penalty must be at least 0"));
    CHECK_THAT(w.refusal("--per_device_train_batch_size 100"), Catch::Contains("fewer than one batch of 100"));
    CHECK_THAT(w.refusal("--batch_size 7"), Catch::Contains("does not agree"));
    CHECK_THAT(w.refusal("--response_length 60"), Catch::Contains("they exceed the models' 40 positions"));
    CHECK_THAT(w.refusal("--report_to wandb"),
               Catch::Contains("--report_to wandb is not written directly") && Catch::Contains("import_run.py"));
    CHECK_THAT(w.refusal("--sft_model_path EleutherAI/pythia-1b-deduped"),
               Catch::Contains("EleutherAI/pythia-1b-deduped") && Catch::Contains("HF_HUB_OFFLINE"));
    CHECK_THAT(w.refusal("--sft_model_path no/such/folder"), Catch::Contains("no/such/folder"));
}

TEST_CASE("ppo: bad data") {
    workshop const w;
    w.write("prompts.jsonl", "");
    CHECK_THAT(w.refusal(""), Catch::Contains("prompts.jsonl") && Catch::Contains("no prompts"));
    w.write("prompts.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": \n");
    CHECK_THAT(w.refusal(""), Catch::Contains("prompts.jsonl line 2"));
    w.write("prompts.jsonl", "{\"text\": \"a\"}\n");
    CHECK_THAT(w.refusal(""), Catch::Contains("prompts.jsonl line 1") && Catch::Contains("prompt"));
    w.write("prompts.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n");
    CHECK_THAT(w.refusal(""), Catch::Contains("fewer than one batch"));
    fs::remove(w.here / "prompts.jsonl");
    CHECK_THAT(w.refusal(""), Catch::Contains("prompts.jsonl"));
    w.write("prompts.jsonl",
            "{\"prompt\": \"" + std::string(200, 'q') + "\"}\n{\"prompt\": \"" + std::string(200, 'q') + "\"}\n");
    CHECK_THAT(w.refusal("--per_device_train_batch_size 1"), Catch::Contains("prompts of prompts.jsonl are too long"));
}

TEST_CASE("ppo: broken models and tokenizers") {
    workshop const w;
    auto const spoil = [&](std::string const& file, auto const& change) {
        auto const path = w.here / "policy" / file;
        auto const whole = w.read(path);
        auto text = whole;
        change(text);
        w.write("policy/" + file, text);
        auto const sentence = w.refusal("");
        w.write("policy/" + file, whole);
        return sentence;
    };
    CHECK_THAT(spoil("model.safetensors", [](auto& t) { t.resize(t.size() - 5); }),
               Catch::Contains("model.safetensors"));
    CHECK_THAT(spoil("model.safetensors", [](auto& t) { t.resize(4); }), Catch::Contains("too short"));
    CHECK_THAT(spoil("model.safetensors", [](auto& t) { t[6] = '\x7f'; }), Catch::Contains("header"));
    CHECK_THAT(spoil("model.safetensors", [](auto& t) { t[20] = '}'; }), Catch::Contains("model.safetensors"));
    CHECK_THAT(spoil("config.json", [](auto& t) { t.replace(t.find("gpt_neox"), 8, "gpt_nero"); }),
               Catch::Contains("gpt_nero"));
    CHECK_THAT(
        spoil("config.json", [](auto& t) { t.replace(t.find("\"hidden_size\": 12"), 17, "\"hidden_size\": 24"); }),
        Catch::Contains("gpt_neox.embed_in.weight") && Catch::Contains("config.json asks for"));
    CHECK_THAT(spoil("config.json", [](auto& t) { t = "{"; }), Catch::Contains("config.json"));
    CHECK_THAT(spoil("tokenizer.json", [](auto& t) { t.resize(t.size() / 2); }), Catch::Contains("tokenizer.json"));
    fs::remove(w.here / "reward" / "model.safetensors");
    CHECK_THAT(w.refusal(""), Catch::Contains("model.safetensors"));
}

TEST_CASE("ppo: an output directory that is not ours to write") {
    workshop const w;
    w.write("taken", "x");
    CHECK_THAT(w.refusal("--output_dir taken"), Catch::Contains("is a file"));
    fs::create_directory(w.here / "thesis");
    w.write("thesis/chapter1.tex", "x");
    CHECK_THAT(w.refusal("--output_dir thesis"), Catch::Contains("not of an earlier run"));
    CHECK(w.read(w.here / "thesis" / "chapter1.tex") == "x");
    CHECK_THAT(w.refusal("--output_dir /proc/nowhere"), Catch::Contains("cannot be written"));
}

TEST_CASE("ppo: a flag takes one value, and stray words are refused") {
    workshop const w;
    CHECK_THAT(w.refusal("ofoo"), Catch::Contains("'ofoo' belongs to no flag"));
    CHECK_THAT(w.refusal("--dataset_name prompts.jsonl chat.jsonl"),
               Catch::Contains("'chat.jsonl' belongs to no flag"));
    CHECK_THAT(w.refusal("--learning_rate 1e-4 1e-5"), Catch::Contains("'1e-5' belongs to no flag"));
    CHECK_THAT(w.refusal("-x"), Catch::Contains("'-x' belongs to no flag"));
    CHECK_THAT(w.refusal("--seed"), Catch::Contains("--seed has no value"));
    CHECK_THAT(w.refusal("--seed --use_cpu"), Catch::Contains("--seed has no value"));
}

TEST_CASE("ppo: what no part of the algorithm reads is refused by name, and is not recorded") {
    workshop const w;
    for (std::string const flags :
         {"--algorithm grpo --kl_coef 0.5", "--algorithm dapo --cliprange 0.1",
          "--algorithm rloo --missing_eos_penalty 1", "--algorithm grpo --vf_coef 1", "--algorithm rloo --lam 0.9",
          "--algorithm gspo --gamma 1", "--algorithm remax --whiten_rewards", "--algorithm mine --cliprange_value 0.2"})
        CHECK_THAT(w.refusal(flags),
                   Catch::Contains(" would do nothing: no part of " + flags.substr(12, flags.find(' ', 12) - 12)));
    CHECK(w.run("--algorithm rloo --help").output.find("--vf_coef") == std::string::npos);
    CHECK(w.run("--algorithm ppo --help").output.find("--vf_coef") != std::string::npos);
    REQUIRE(w.run("--algorithm grpo").status == 0);
    auto const record = nlohmann::json::parse(w.read(w.out / "config_ppo.json"));
    CHECK_FALSE((record.contains("kl_coef") || record.contains("vf_coef") || record.contains("missing_eos_penalty")));
    CHECK(record["kl_loss_coef"] == 0.04);
}

TEST_CASE("ppo: a flag that would do nothing beside the others is refused") {
    workshop const w;
    CHECK_THAT(w.refusal("--reward_timeout 5"), Catch::Contains("--reward_timeout would do nothing"));
    CHECK_THAT(w.refusal("--algorithm rloo --reward_command true"),
               Catch::Contains("--reward_model_path would do nothing: --reward_command gives the rewards"));
    CHECK_THAT(w.refusal("--num_train_epochs 2"), Catch::Contains("--total_episodes says how long"));
    CHECK_THAT(w.refusal("--lr_scheduler_type constant --warmup_steps 3"), Catch::Contains("constant_with_warmup"));
    CHECK_THAT(w.refusal("--warmup_ratio 0.1 --warmup_steps 3"), Catch::Contains("--warmup_steps rules over it"));
    CHECK_THAT(w.refusal("--num_sample_generations 0 --per_device_eval_batch_size 3"), Catch::Contains("no table"));
}

TEST_CASE("ppo: every number has its range") {
    workshop const w;
    for (std::string const flags : {"--adam_beta1 1.0",
                                    "--adam_beta2 2",
                                    "--adam_epsilon -1",
                                    "--warmup_ratio 1.5",
                                    "--warmup_steps -1",
                                    "--weight_decay -1",
                                    "--learning_rate -1",
                                    "--learning_rate nan",
                                    "--temperature 0",
                                    "--gamma 1.5",
                                    "--lam -0.1",
                                    "--cliprange 0",
                                    "--response_length 0",
                                    "--num_ppo_epochs 0",
                                    "--num_mini_batches -2",
                                    "--total_episodes 0",
                                    "--eval_fraction 1",
                                    "--max_grad_norm 0",
                                    "--local_rollout_forward_batch_size 0",
                                    "--stop_token_id -1",
                                    "--gradient_accumulation_steps 0",
                                    "--num_train_epochs nan --total_episodes 8"}) {
        auto const flag = flags.substr(0, flags.find(' '));
        CHECK_THAT(w.refusal(flags), Catch::StartsWith(flag + " must be "));
    }
    CHECK_THAT(w.refusal("--stop_token_id 999999"), Catch::Contains("is no token of the policy, which knows"));
    CHECK_THAT(w.refusal("--stop_token pad"), Catch::Contains("--stop_token must be one of eos"));
    CHECK_THAT(w.refusal("--lr_scheduler_type exponential"), Catch::Contains("must be one of linear, cosine"));
    CHECK_THAT(w.refusal("--algorithm dapo --overlong_buffer 100"),
               Catch::Contains("give a smaller --overlong_buffer"));
    CHECK_THAT(w.refusal("--algorithm dapo"), Catch::Contains("a response has 4 tokens at most"));
}

TEST_CASE("ppo: a loss without a ratio takes one step on a batch") {
    workshop const w;
    for (std::string const name : {"rloo", "remax"}) {
        CHECK_THAT(w.refusal("--algorithm " + name + " --num_ppo_epochs 4"), Catch::Contains("the loss has no ratio"));
        CHECK_THAT(w.refusal("--algorithm " + name + " --num_mini_batches 2"),
                   Catch::Contains("the loss has no ratio"));
    }
    CHECK(w.run("--algorithm grpo --num_ppo_epochs 2").status == 0);
}

TEST_CASE("ppo: names of TRL, verl and OpenRLHF are answered with ours, or with why not") {
    workshop const w;
    CHECK(w.refusal("--num_generations 4") == "--num_generations is called --group_size here");
    if (!lm::has_bfloat16_instructions())
        CHECK_THAT(w.refusal("--bf16 --use_cpu"), Catch::StartsWith("--bf16 true: this processor has no bfloat16"));
    CHECK_THAT(w.refusal("--fp16 --use_cpu"), Catch::StartsWith("--fp16 true is for an NVIDIA GPU"));
    CHECK_THAT(w.refusal("--tf32 true --use_cpu"), Catch::Contains("--tf32 is a mode of NVIDIA GPUs"));
    CHECK_THAT(w.refusal("--deepspeed ds.json"), Catch::Contains("--deepspeed"));
    CHECK_THAT(w.refusal("--use-peft"), Catch::Contains("--use_peft is not supported"));
    CHECK_THAT(w.refusal("--actor_rollout_ref.rollout.n=4"), Catch::Contains("--group_size"));
    CHECK_THAT(w.refusal("--n_samples_per_prompt 4"), Catch::Contains("--group_size"));
    CHECK_THAT(w.refusal("--epsilon 0.2"), Catch::Contains("--cliprange"));
    CHECK(w.refusal("--frobnicate 1") == "there is no flag --frobnicate: see --help");
    CHECK_THAT(w.refusal("--kl_coeff 1"), Catch::Contains("did you mean --kl_coef?"));
}

TEST_CASE("ppo: no model is taken that nobody named") {
    workshop const w;
    auto const alone = [&](std::string const& flags) {
        auto const [status, output] = run_program(
            "/bin/sh", {"-c", "cd " + w.here.string() + " && HF_HUB_OFFLINE=1 " + std::getenv("PROXIMAL_BIN") +
                                  "/ppo --dataset_name prompts.jsonl --output_dir out " + flags + " 2>&1"});
        CHECK(status == 1);
        CHECK_FALSE(fs::exists(w.out));
        CHECK(output.find("pythia") == std::string::npos);
        return output;
    };
    CHECK_THAT(alone(""), Catch::Contains("--sft_model_path is missing"));
    CHECK_THAT(alone("--model_name_or_path policy"), Catch::Contains("--sft_model_path is missing"));
    CHECK_THAT(alone("--sft_model_path policy"), Catch::Contains("there is no reward: give --reward_model_path"));
    CHECK_THAT(alone("--sft_model_path policy --reward_command true"), Catch::Contains("ppo needs a critic"));
    CHECK_THAT(alone("--sft_model_path policy --algorithm rloo"), Catch::Contains("there is no reward"));
    CHECK_THAT(alone("--sft_model_path policy --reward_model_path policy"), Catch::Contains("has no score head"));
}

TEST_CASE("ppo: a failed start never blocks the next, and never costs a finished run") {
    workshop const w;
    w.write("judge.py", "import sys\nfor line in sys.stdin:\n    print(1.0, flush=True)\n");
    w.write("dead.py", "import sys\nsys.exit(3)\n");
    auto const run = [&](std::string const& judge, std::string const& more = "") {
        return run_program("/bin/sh",
                           {"-c", "cd " + w.here.string() + " && " + std::getenv("PROXIMAL_BIN") +
                                      "/ppo --sft_model_path policy --dataset_name prompts.jsonl --output_dir out/ "
                                      "--per_device_train_batch_size 4 --response_length 4 --total_episodes 16 "
                                      "--algorithm grpo --reward_command 'python3 " +
                                      judge + "' " + more + " 2>&1"});
    };
    auto const first = run("dead.py");
    CHECK(first.status == 1);
    CHECK_FALSE(fs::exists(w.out / "model.safetensors"));
    auto const good = run("judge.py");
    INFO(good.output);
    REQUIRE(good.status == 0);
    auto const model = w.read(w.out / "model.safetensors");
    for (int i = 0; i < 2; ++i) CHECK(run("dead.py").status == 1);
    CHECK(w.read(w.here / "out.previous" / "model.safetensors") == model);
    CHECK(run("judge.py").status == 0);
    CHECK(w.read(w.here / "out.previous" / "model.safetensors") == model);
}

TEST_CASE("ppo: a reward that dies, hangs or says nonsense in mid-run costs nothing that was learnt") {
    workshop const w;
    std::string const calls = "import sys, time\nfor n, line in enumerate(sys.stdin):\n    if n >= 40:\n        ";
    for (std::string const end :
         {"sys.exit(1)", "print('nan', flush=True)", "print('good', flush=True)", "time.sleep(60)"}) {
        w.write("judge.py", calls + end + "\n    print(1.0 + n % 3, flush=True)\n");
        auto const [status, output] = run_program(
            "/bin/sh", {"-c", "cd " + w.here.string() + " && " + std::getenv("PROXIMAL_BIN") +
                                  "/ppo --sft_model_path policy --dataset_name prompts.jsonl --output_dir out "
                                  "--per_device_train_batch_size 4 --response_length 4 --total_episodes 400 "
                                  "--eval_fraction 0 --reward_timeout 2 --algorithm grpo --reward_command "
                                  "'python3 judge.py' 2>&1"});
        INFO(end << '\n' << output);
        CHECK(status == 1);
        CHECK(output.find("saved      the models after 10 of 100 updates, in out") != std::string::npos);
        auto const metrics = w.read(w.out / "metrics.jsonl");
        CHECK(std::count(metrics.begin(), metrics.end(), '\n') >= 10);
        CHECK_NOTHROW(load_causal_lm(w.out));
    }
}

TEST_CASE("ppo: Ctrl-C and SIGTERM save the models and say where; the next start works") {
    workshop const w;
    auto const stopped = [&](std::string const& signal) {
        std::string const command =
            "cd " + w.here.string() + "; rm -rf out; " + std::getenv("PROXIMAL_BIN") +
            "/ppo --sft_model_path policy --reward_model_path reward --dataset_name prompts.jsonl --output_dir out"
            " --per_device_train_batch_size 4 --response_length 4 --num_sample_generations 0 --total_episodes 40000"
            " > log 2>&1 & pid=$!; n=0; until test -s out/metrics.jsonl || test $n -gt 300; do sleep 0.1; n=$((n+1)); "
            "done;"
            " kill -" +
            signal + " $pid; wait $pid; echo status $?; cat log";
        return run_program("/bin/sh", {"-c", command});
    };
    for (auto const& [signal, status] : {std::pair("TERM", "143"), std::pair("HUP", "129")}) {
        auto const output = stopped(signal).output;
        INFO(output);
        CHECK(output.find(std::string("status ") + status) != std::string::npos);
        CHECK(output.find("saved      the models after ") != std::string::npos);
        CHECK(output.find(std::string("ppo: stopped by SIG") + signal) != std::string::npos);
        CHECK_NOTHROW(load_causal_lm(w.out));
        CHECK_NOTHROW(load_sequence_classifier(w.out / "value_model"));
    }
    CHECK(w.run("").status == 0);
}

TEST_CASE("ppo: a run that was stopped is resumed where it stood, and ends as if it never had been") {
    workshop const w;
    std::string const flags = "--total_episodes 24 --save_steps 2 --seed 5 --report_to csv --resume_from_checkpoint ";
    REQUIRE(w.run(flags + "auto --output_dir whole").status == 0);
    // What a killed process leaves: its logs ahead of its last checkpoint, and half of the next one.
    REQUIRE(w.run(flags + "auto").status == 0);
    for (char const* later : {"checkpoint-6", "checkpoint-4"}) fs::remove_all(w.out / later);
    fs::remove(w.out / "model.safetensors");
    fs::create_directory(w.out / "checkpoint-4.part");
    w.write("out/metrics.jsonl", w.read(w.out / "metrics.jsonl") + "{\"update\": 7, \"objec");
    auto const [status, output] = w.run(flags + "true");
    INFO(output);
    CHECK(status == 0);
    CHECK(output.find("resumed    after 2 updates") != std::string::npos);
    CHECK(w.read(w.out / "model.safetensors") == w.read(w.here / "whole" / "model.safetensors"));
    auto const lines = [&](char const* file) {
        auto const text = w.read(w.out / file);
        return std::count(text.begin(), text.end(), '\n');
    };
    CHECK(lines("metrics.jsonl") == 6);
    CHECK(lines("metrics.csv") == 7);
    CHECK_FALSE(fs::exists(w.out / "checkpoint-4.part"));
    CHECK(fs::exists(w.out / "report.html"));
    SECTION("it may be made longer") {
        auto const longer = w.run("--total_episodes 32 --seed 5 --resume_from_checkpoint true");
        INFO(longer.output);
        CHECK(longer.status == 0);
        CHECK(lines("metrics.jsonl") == 8);
    }
    SECTION("a finished one that is resumed has nothing left to do") {
        CHECK(w.run(flags + "true").status == 0);
        CHECK(lines("metrics.jsonl") == 6);
    }
    SECTION("from another folder's checkpoint into a folder of its own") {
        auto const other = w.run(flags + "out/checkpoint-4 --output_dir other");
        INFO(other.output);
        CHECK(other.status == 0);
        CHECK(w.read(w.here / "other" / "model.safetensors") == w.read(w.out / "model.safetensors"));
    }
    SECTION("of another run it is refused, and all stays as it was") {
        auto const refused = [&](std::string const& with) {
            auto const [failed, said] = w.run("--total_episodes 24 " + with);
            CHECK(failed == 1);
            return said;
        };
        CHECK_THAT(refused("--seed 6 --resume_from_checkpoint true"),
                   Catch::Contains("is of another run: --seed was 5 and is 6"));
        CHECK_THAT(refused("--seed 5 --resume_from_checkpoint nowhere"), Catch::Contains("nowhere is no folder"));
        CHECK_THAT(refused("--seed 5 --resume_from_checkpoint out"), Catch::Contains("has no manifest.json"));
        fs::resize_file(w.out / "checkpoint-6" / "state.safetensors", 100);
        CHECK_THAT(refused("--seed 5 --resume_from_checkpoint out/checkpoint-6"), Catch::Contains("is incomplete"));
        CHECK(fs::exists(w.out / "checkpoint-4" / "state.json"));
        // the last whole one is taken then
        CHECK(w.run(flags + "true").output.find("resumed    after 4 updates") != std::string::npos);
    }
}

TEST_CASE("ppo: a full disk while it saves ends the run with a sentence, and the last checkpoint stays") {
    workshop const w;
    fs::create_directory(w.here / "small");
    if (run_program("/bin/mount", {"-t", "tmpfs", "-o", "size=400k", "none", (w.here / "small").string()}).status !=
        0) {
        WARN("SKIPPED: no right to mount a small file system");
        return;
    }
    auto const [status, output] = w.run("--total_episodes 4000 --save_steps 1 --report_to none --output_dir small/out");
    auto const kept = run::complete_checkpoints(w.here / "small" / "out");
    auto const leftover = fs::exists(w.here / "small" / "out" / "checkpoint-1.part");
    run_program("/bin/umount", {(w.here / "small").string()});
    INFO(output);
    CHECK(status == 1);
    CHECK(output.find("is the disk full?") != std::string::npos);
    CHECK_FALSE(kept.empty());
    CHECK_FALSE(leftover);
}

TEST_CASE("ppo: options come from a file, flags rule over it, and each value says where it came from") {
    workshop const w;
    w.write("run.yaml", "learning_rate: 1e-4\nseed: 7\nreport_to: [csv]\nbf16: false\n");
    auto const printed = w.run("--config run.yaml --seed 9 --print_config").output;
    CHECK(printed.find("learning_rate = 0.0001  (run.yaml:1)") != std::string::npos);
    CHECK(printed.find("seed = 9  (flag)") != std::string::npos);
    CHECK(printed.find("gamma = 1  (default)") != std::string::npos);
    REQUIRE(w.run("--config run.yaml --seed 9").status == 0);
    auto const record = nlohmann::json::parse(w.read(w.out / "config_ppo.json"));
    CHECK(record["provenance"]["learning_rate"] == "file");
    CHECK(record["provenance"]["seed"] == "flag");
    CHECK(fs::exists(w.out / "metrics.csv"));
    // A run's record is a configuration file.
    fs::copy_file(w.out / "config_ppo.json", w.here / "again.json");
    auto const again = run_program(std::string(std::getenv("PROXIMAL_BIN")) + "/ppo",
                                   {"--config", (w.here / "again.json").string(), "--print_config"});
    INFO(again.output);
    CHECK(again.status == 0);
    w.write("bad.yaml", "seed: 7\nlearning_rte: 1\n");
    auto const [failed, said] = w.run("--config bad.yaml");
    CHECK(failed == 1);
    CHECK_THAT(said, Catch::Contains("bad.yaml:2") && Catch::Contains("learning_rate"));
}

TEST_CASE("ppo: ~ is the home folder in every path, also where the shell leaves it") {
    workshop const w;
    auto const [status, output] = run_program(
        "/bin/sh", {"-c", "cd /; HOME=" + w.here.string() + " " + std::getenv("PROXIMAL_BIN") +
                              "/ppo --sft_model_path=~/policy --model_name_or_path=~/policy "
                              "--reward_model_path=~/reward --dataset_name=~/prompts.jsonl --output_dir=~/out "
                              "--per_device_train_batch_size 4 --response_length 4 --total_episodes 4 2>&1"});
    INFO(output);
    CHECK(status == 0);
    CHECK(fs::exists(w.out / "model.safetensors"));
}

TEST_CASE("ppo: a reader of its output that goes away costs nothing") {
    workshop const w;
    auto const [status, output] =
        run_program("/bin/sh", {"-c", "cd " + w.here.string() + "; " + std::getenv("PROXIMAL_BIN") +
                                          "/ppo --sft_model_path policy --reward_model_path reward --dataset_name "
                                          "prompts.jsonl --output_dir out --per_device_train_batch_size 4 "
                                          "--response_length 4 --total_episodes 400 2>&1 | head -c 200"});
    CHECK(status == 0);
    for (int i = 0; i < 100 && !fs::exists(w.out / "value_model" / "tokenizer.json"); ++i)
        run_program("/bin/sleep", {"0.1"});  // head ends before ppo does
    CHECK_NOTHROW(load_causal_lm(w.out));
}

TEST_CASE("ppo: weights that have diverged are not saved, and it says so") {
    workshop const w;
    auto const [status, output] = w.run("--learning_rate 1e30 --total_episodes 40");
    INFO(output);
    CHECK(status == 1);
    CHECK(output.find("its weights have diverged and are not saved; lower --learning_rate") != std::string::npos);
    CHECK_FALSE(fs::exists(w.out / "model.safetensors"));
}

TEST_CASE("ppo: a flag of another algorithm is answered with who reads it") {
    workshop const w;
    CHECK_THAT(w.refusal("--group_size 4"),
               Catch::Contains("no part of ppo reads it; of the other algorithms rloo, grpo, dapo"));
    CHECK_THAT(w.refusal("--algorithm grpo --cliprange_high 0.3"), Catch::Contains("dapo, gspo"));
    CHECK_THAT(w.refusal("--algorithm rloo --gamma 0.9"), Catch::Contains("of the other algorithms ppo"));
    CHECK(w.run("--algorithm rloo --help").output.find("--num_ppo_epochs=1 ") != std::string::npos);
    CHECK_THAT(w.refusal("--algorithm rloo --reward_command 'python3 j.py | tee x'"),
               Catch::Contains("--reward_model_path"));
    CHECK_THAT(w.refusal("--reward_command 'python3 j.py | tee x'"), Catch::Contains("no shell reads it"));
    CHECK_THAT(w.refusal("--output_dir="), Catch::Contains("--output_dir is empty"));
}

TEST_CASE("ppo: a prompt that holds the pad's text, or ends in an answer, is trained on as it was sampled from") {
    workshop const w;
    std::string lines;
    for (int i = 0; i < 24; ++i)
        lines += "{\"prompt\": \"what does [PAD] mean " + std::string(1, char('a' + i)) + "\"}\n";
    w.write("prompts.jsonl", lines);
    auto const [status, output] = w.run("--learning_rate 0");
    INFO(output);
    REQUIRE(status == 0);
    auto const logged = w.read(w.out / "metrics.jsonl");
    auto const ratio = nlohmann::json::parse(logged.substr(0, logged.find('\n')))["val/ratio"].get<double>();
    CHECK(std::abs(ratio - 1.0) < 1e-6);
}

TEST_CASE("ppo: prompts that do not fit are left out and counted") {
    workshop const w;
    std::string lines = w.read(w.here / "prompts.jsonl");
    lines += "{\"prompt\": \"" + std::string(200, 'q') + "\"}\n{\"prompt\": \"\"}\n";
    w.write("prompts.jsonl", lines);
    auto const [status, output] = w.run("--eval_fraction 0");
    INFO(output);
    CHECK(status == 0);
    CHECK(output.find("1 prompts of prompts.jsonl are empty and left out") != std::string::npos);
    CHECK(output.find(
              "1 of 25 prompts of prompts.jsonl are left out: with --response_length 4 they exceed the models' 40") !=
          std::string::npos);
}

TEST_CASE("ppo: a batch of one response of one token trains") {
    workshop const w;
    auto const [status, output] = w.run("--per_device_train_batch_size 1 --response_length 1 --num_mini_batches 1");
    INFO(output);
    CHECK(status == 0);
}

TEST_CASE("ppo: models that do not belong together are refused before anything is written") {
    workshop const w;
    auto config = support::tiny_config();
    config["vocab_size"] = 100;
    config["max_position_embeddings"] = 40;
    auto const small = make_causal_lm(config, 1);
    save_model(make_sequence_classifier(*small.body, small.config, 2), w.here / "small");
    CHECK_THAT(w.refusal("--algorithm rloo --reward_model_path small"),
               Catch::Contains("the reward model knows 100 tokens"));
    CHECK_THAT(w.refusal("--reward_model_path small"), Catch::Contains("knows 100 tokens"));
    w.write("policy/model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n");
    CHECK_THAT(w.refusal(""), Catch::Contains("is a Git LFS pointer"));
    fs::remove(w.here / "policy" / "model.safetensors");
    fs::remove(w.here / "policy" / "config.json");
    w.write("policy/adapter_config.json", "{}");
    CHECK_THAT(w.refusal(""), Catch::Contains("is an adapter (LoRA)"));
}

TEST_CASE("ppo: what is saved tells transformers the pad token and the dtype") {
    workshop const w;
    REQUIRE(w.run("").status == 0);
    for (std::string const folder : {"", "value_model/"}) {
        auto const config = nlohmann::json::parse(w.read(w.out / (folder + "config.json")));
        CHECK(config["pad_token_id"].is_number());
        CHECK(config["torch_dtype"] == "float32");
    }
    CHECK(nlohmann::json::parse(w.read(w.out / "generation_config.json"))["pad_token_id"].is_number());
}

TEST_CASE("ppo: the EOS trick replaces a score or takes from it, one of them") {
    workshop const w;
    CHECK(w.run("--stop_token eos --missing_eos_score -7").status == 0);
    auto const line =
        nlohmann::json::parse(w.read(w.out / "metrics.jsonl").substr(0, w.read(w.out / "metrics.jsonl").find('\n')));
    CHECK(line["objective/scores"].get<double>() < -2.0);  // of an untrained policy hardly any response ends
    workshop const another;
    CHECK_THAT(another.refusal("--stop_token eos --missing_eos_score -1 --missing_eos_penalty 1.0"),
               Catch::Contains("give one of them"));
}
