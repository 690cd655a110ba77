// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <proximal/io/process.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/save_model.hpp>
#include <proximal/text/bpe_trainer.hpp>

#include "../support/temporary_folder.hpp"
#include "../support/tiny_model.hpp"

using namespace proximal;
using namespace proximal::libtorch;
using namespace proximal::io;
using namespace proximal::text;
using namespace proximal::lm;
namespace fs = std::filesystem;

namespace {

/// A folder with a small policy, a reward model and prompts, and the program to train on them.
struct workshop {
    support::temporary_folder folder;
    fs::path const& here = folder.path;
    fs::path const out = here / "out";

    workshop() {
        auto const words = train_bpe(std::vector<std::string>{"the cat sat on the mat"}, {.vocabulary_size = 262});
        auto config = support::tiny_config();
        config["vocab_size"] = words.size();
        config["max_position_embeddings"] = 40;
        auto const policy = make_causal_lm(config, 1);
        save_model(policy, here / "policy");
        save_model(make_sequence_classifier(*policy.body, policy.config, 2), here / "reward");
        for (char const* name : {"policy", "reward"}) words.save(here / name);
        std::string lines;
        for (int i = 0; i < 24; ++i)
            lines += "{\"prompt\": \"the cat " + std::string(1, static_cast<char>('a' + i)) + "\"}\n";
        write("prompts.jsonl", lines);
    }
    void write(std::string const& name, std::string const& text) const {
        std::ofstream(here / name, std::ios::binary) << text;
    }
    std::string read(fs::path const& path) const {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    /// Runs ppo on the small models; later flags override. What it says on stdout and stderr, in one.
    process_result run(std::string const& flags) const {
        auto const* const programs = std::getenv("PROXIMAL_BIN");
        REQUIRE(programs != nullptr);
        std::string const command =
            "cd " + here.string() + " && HF_HUB_OFFLINE=1 HF_HUB_CACHE=" + (here / "hub").string() + " " + programs +
            "/ppo --sft_model_path policy --reward_model_path reward --dataset_name prompts.jsonl --output_dir out"
            " --per_device_train_batch_size 4 --response_length 4 --num_ppo_epochs 1 --num_sample_generations 1"
            " --total_episodes 8 " +
            flags + " 2>&1";
        return run_program("/bin/sh", {"-c", command});
    }
    /// The one sentence that ends a refused run, which must leave nothing behind.
    std::string refusal(std::string const& flags) const {
        auto const [status, output] = run(flags);
        INFO(output);
        CHECK(status == 1);
        CHECK_FALSE(fs::exists(out));
        auto const at = output.rfind("\nppo: ");
        REQUIRE(at != std::string::npos);
        auto const sentence = output.substr(at + 6, output.size() - at - 7);
        CHECK(sentence.find('\n') == std::string::npos);
        return sentence;
    }
};

}  // namespace

TEST_CASE("ppo: every algorithm by its name, without the models it does not read") {
    workshop const w;
    for (std::string const name : {"rloo", "grpo", "dapo", "gspo", "remax", "off_policy", "mine"}) {
        auto const [status, output] = w.run("--algorithm " + name);
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
    CHECK(w.refusal("--algorithm grpo --soft_gate_tau 3").find("there is no flag --soft_gate_tau") !=
          std::string::npos);
    CHECK(w.refusal("--algorithm mine --soft_gate_tau 0") == "--soft_gate_tau must be above 0, but is 0.");
    CHECK(w.refusal("--algorithm grp").find("--algorithm grp is not known: choose ppo, rloo, grpo") == 0);
    CHECK(w.refusal("--algorithm rloo --group_size 3").find("does not divide into groups of 3") != std::string::npos);
    CHECK(w.refusal("--algorithm rloo --group_size two").find("--group_size expects a whole number, not 'two'") == 0);
    auto const help = w.run("--algorithm gspo --help");
    CHECK(help.status == 0);
    CHECK(help.output.find("--cliprange_high") != std::string::npos);
}

TEST_CASE("ppo: a program gives the reward, and the reward model is not loaded") {
    workshop const w;
    w.write("judge.py",
            "import json, sys\nfor line in sys.stdin:\n    print(len(json.loads(line)['response']), flush=True)\n");
    fs::remove_all(w.here / "reward");
    auto const [status, output] = w.run("--algorithm rloo --reward_command 'python3 judge.py'");
    INFO(output);
    CHECK(status == 0);
    w.write("broken.py", "print('good')\n");
    CHECK(w.run("--algorithm rloo --reward_command 'python3 broken.py'").status == 1);
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
    CHECK_THAT(w.refusal("--batch_size 7"), Catch::Contains("does not divide"));
    CHECK_THAT(w.refusal("--response_length 60"), Catch::Contains("longer than the policy's 40 positions"));
    CHECK_THAT(w.refusal("--report_to wandb"), Catch::Contains("choose tensorboard or none"));
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
    CHECK_THAT(w.refusal("--per_device_train_batch_size 1"), Catch::Contains("prompt 1 has 200 tokens"));
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
