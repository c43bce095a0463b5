// SPDX-License-Identifier: GPL-3.0-or-later
//
// A job type for Flamenco 3, Blender's render farm: a task for each clip, then one that gathers the report.
// Put this file into the folder `scripts` beside flamenco-manager. docs/cluster.md says the rest.

const JOB_TYPE = {
    label: "AnimePose: clips to animation",
    description: "Each clip or take becomes animated characters, in a task of its own",
    settings: [
        { key: "clips", type: "string", required: true,
          description: "Clips and takes on the shared storage, separated by | or new lines" },
        { key: "output", type: "string", subtype: "dir_path", required: true,
          description: "Folder of the results, on the shared storage" },
        { key: "rigs", type: "string", default: "",
          description: "Rigs as FILE.blend or FILE.blend:OBJECT, separated by |; none = mannequins" },
        { key: "export", type: "string", default: "blend",
          description: "Formats, separated by commas: fbx, glb, bvh, usd, blend" },
        { key: "engine", type: "string", default: "blender", choices: ["blender", "unreal", "unity", "godot"],
          description: "Where exports are meant to be opened" },
        { key: "preset", type: "string", default: "offline", description: "How to estimate" },
        { key: "preview", type: "bool", default: false, description: "Draw the people over each clip" },
        { key: "options", type: "string", default: "",
          description: "More options of animepose convert, separated by spaces, such as --foot-lock never --no-hands" },

        { key: "blender_command", type: "string", default: "{blender}", visible: "web",
          description: "Blender with the AnimePose add-on" },
        { key: "task_type", type: "string", default: "blender", visible: "web",
          description: "Type of the tasks; workers take those of the types they are set up for" },
    ],
};

// Options that have a setting of their own here, or that would put the clips' results into each other's way.
const OTHERWISE = ["-o", "--output", "--job", "--jobs", "--on", "--ray-address", "--report", "--resume", "--dry-run",
    "--rig", "--export", "--engine", "--preset", "--preview"];

function compileJob(job) {
    const settings = job.settings;
    const clips = listOf(settings.clips, /[|\n]/);
    const output = (settings.output || "").trim();
    if (clips.length === 0) {
        throw "No clip is given.";
    }
    if (!output) {
        throw "There is no folder for the results.";
    }
    const options = optionsOf(settings);
    const names = distinctNames(clips);
    const folders = names.map((name) => path.join(output, name));

    const tasks = clips.map((clip, number) => {
        const task = author.Task(names[number], settings.task_type || "blender");
        // --resume: a task that is repeated, here or by another worker, goes on where it was.
        task.addCommand(animepose(settings, ["convert", clip, "-o", folders[number], "--resume"].concat(options)));
        job.addTask(task);
        return task;
    });

    // The clips' reports become one. Flamenco begins this task when all others are done.
    const gather = author.Task("report", settings.task_type || "blender");
    gather.addCommand(animepose(settings, ["gather", output, "-o", path.join(output, "report.json")]));
    for (const task of tasks) {
        gather.addDependency(task);
    }
    job.addTask(gather);
    print(`AnimePose: ${clips.length} clips`);
}

// Blender runs AnimePose's command line with these words. No shell sees them, so that nothing needs quotes.
function animepose(settings, words) {
    return author.Command("exec", {
        exe: settings.blender_command || "{blender}",
        args: ["-b", "--command", "animepose"].concat(words),
    });
}

function listOf(text, separator) {
    return (text || "").split(separator).map((word) => word.trim()).filter((word) => word.length > 0);
}

function optionsOf(settings) {
    let options = ["--preset", settings.preset || "offline", "--export", listOf(settings.export || "blend", ",").join(",")];
    for (const rig of listOf(settings.rigs, "|")) {
        options = options.concat(["--rig", rig]);
    }
    if (settings.engine && settings.engine !== "blender") {
        options = options.concat(["--engine", settings.engine]);
    }
    if (settings.preview) {
        options.push("--preview");
    }
    const more = listOf(settings.options, /\s+/);
    for (const word of more) {
        if (OTHERWISE.indexOf(word.split("=")[0]) >= 0) {
            throw `The option ${word} cannot be used here: it has a setting of its own, or is the farm's business.`;
        }
    }
    return options.concat(more);
}

// A folder's name for each clip; file systems that do not tell case apart are thought of.
function distinctNames(clips) {
    const taken = new Set();
    return clips.map((clip) => {
        const base = path.stem(clip).replace(/\.take$/, "") || "clip";
        let name = base;
        for (let number = 2; taken.has(name.toLowerCase()); number++) {
            name = `${base}-${number}`;
        }
        taken.add(name.toLowerCase());
        return name;
    });
}
