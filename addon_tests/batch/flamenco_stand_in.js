// Compiles a job as Flamenco's manager does, with a small stand-in for what it offers to scripts, and prints the tasks.
// node flamenco_stand_in.js SCRIPT.js < settings.json
const fs = require("fs");
const vm = require("vm");

const crossStem = (text) => text.split(/[\\/]/).pop().replace(/(.)\.[^.]*$/, "$1");
const tasks = [];
const world = {
    print: () => {},
    path: {
        join: (...parts) => parts.join("/").replace(/\/+/g, "/"),
        stem: crossStem,
    },
    author: {
        Task: (name, type) => {
            if (!name || !type) throw "author.Task(name, type): both are required";
            return {
                name, type, commands: [], dependencies: [],
                addCommand(command) { this.commands.push(command); },
                addDependency(task) { this.dependencies.push(task.name); },
            };
        },
        Command: (name, parameters) => ({ name, parameters }),
    },
};
vm.createContext(world);
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), world);
const type = vm.runInContext("JOB_TYPE", world);
const settings = Object.fromEntries(type.settings.filter((one) => "default" in one).map((one) => [one.key, one.default]));
const job = {
    settings: Object.assign(settings, JSON.parse(fs.readFileSync(0, "utf8"))),
    addTask: (task) => tasks.push(task),
};
try {
    world.compileJob(job);
} catch (error) {
    console.error(String(error));
    process.exit(3);
}
console.log(JSON.stringify({ type, tasks }));
