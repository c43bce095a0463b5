"""The shaders: people moved by their bones, things, the sky, and the joining of samples to pixels."""

from __future__ import annotations

_COMMON = """
#version 430
float hash(vec3 p) {
    p = fract(p * 0.3183099 + 0.1) * 17.0;
    return fract(p.x * p.y * p.z * (p.x + p.y + p.z));
}
float noise(vec3 x) {
    vec3 i = floor(x), f = fract(x);
    f = f * f * (3.0 - 2.0 * f);
    return mix(mix(mix(hash(i), hash(i + vec3(1, 0, 0)), f.x), mix(hash(i + vec3(0, 1, 0)), hash(i + vec3(1, 1, 0)),
        f.x), f.y), mix(mix(hash(i + vec3(0, 0, 1)), hash(i + vec3(1, 0, 1)), f.x),
        mix(hash(i + vec3(0, 1, 1)), hash(i + vec3(1, 1, 1)), f.x), f.y), f.z);
}
float clouds(vec3 x) { return 0.55 * noise(x) + 0.3 * noise(2.1 * x + 7.0) + 0.15 * noise(4.3 * x + 3.0); }
// 0 plain, 1 stripes across, 2 stripes upright, 3 checks, 4 dots, 5 clouds
vec3 pattern(vec3 a, vec3 b, float kind, float size, vec3 p) {
    vec3 q = p / size;
    float m = 0.0;
    if (kind < 0.5) m = 0.0;
    else if (kind < 1.5) m = step(0.5, fract(q.z));
    else if (kind < 2.5) m = step(0.5, fract(q.x + 0.37 * q.y));
    else if (kind < 3.5) m = mod(floor(q.x + 0.01) + floor(q.y + 0.01) + floor(q.z + 0.01), 2.0);
    else if (kind < 4.5) m = step(length(fract(q.xz + q.y) - 0.5), 0.3);
    else m = smoothstep(0.3, 0.7, clouds(q));
    return mix(a, b, m);
}
"""

_LIGHT = """
uniform vec3 ambient;
uniform vec3 light_colours[3];
uniform vec3 light_directions[3];
uniform vec3 eye;
vec3 lit(vec3 colour, vec3 normal, vec3 world, float gloss) {
    vec3 n = normalize(normal), v = normalize(eye - world);
    if (dot(n, v) < 0.0) n = -n;
    vec3 sum = ambient * (0.7 + 0.3 * n.z);
    vec3 shine = vec3(0.0);
    for (int k = 0; k < 3; k++) {
        float facing = max(dot(n, light_directions[k]), 0.0);
        sum += light_colours[k] * facing;
        shine += light_colours[k] * gloss * pow(max(dot(n, normalize(v + light_directions[k])), 0.0), 24.0);
    }
    return colour * sum + shine;
}
"""

_OUT = """
layout(location = 0) out vec4 out_colour;
layout(location = 1) out uint out_id;
layout(location = 2) out float out_depth;
"""

PERSON_VERTEX = (
    _COMMON
    + """
layout(std140) uniform Bones { mat4 bones[80]; };
uniform mat4 view;
uniform mat4 projection;
uniform float thickness[6];
in vec3 in_rest; in vec3 in_normal; in vec3 in_colour; in uint in_region; in uvec4 in_bones; in vec4 in_weights;
out vec3 rest; out vec3 normal; out vec3 colour; out vec3 world; out float depth; flat out uint region;
void main() {
    mat4 m = in_weights.x * bones[in_bones.x] + in_weights.y * bones[in_bones.y]
           + in_weights.z * bones[in_bones.z] + in_weights.w * bones[in_bones.w];
    vec4 placed = m * vec4(in_rest + thickness[in_region] * in_normal, 1.0);
    vec4 seen = view * placed;
    rest = in_rest; normal = mat3(m) * in_normal; colour = in_colour; world = placed.xyz; depth = seen.z;
    region = in_region;
    gl_Position = projection * seen;
}
"""
)

PERSON_FRAGMENT = (
    _COMMON
    + _LIGHT
    + _OUT
    + """
uniform uint id;
uniform vec3 colours_a[6];
uniform vec3 colours_b[6];
uniform float kinds[6];
uniform float sizes[6];
uniform float glosses[6];
in vec3 rest; in vec3 normal; in vec3 colour; in vec3 world; in float depth; flat in uint region;
void main() {
    vec3 c = colour * pattern(colours_a[region], colours_b[region], kinds[region], sizes[region], rest);
    // Folds and strands, which the mesh does not have.
    float relief = clouds(rest * (region == 2u ? vec3(90.0, 90.0, 15.0) : vec3(14.0)));
    float depth_of_relief = region == 0u || region == 1u ? 0.08 : 0.35;
    c *= 1.0 + depth_of_relief * (relief - 0.5);
    out_colour = vec4(lit(c, normal, world, glosses[region]), 1.0);
    out_id = id;
    out_depth = depth;
}
"""
)

THING_VERTEX = (
    _COMMON
    + """
uniform mat4 view;
uniform mat4 projection;
in vec3 in_place; in vec3 in_normal; in vec3 in_colour; in vec3 in_colour_b; in vec2 in_pattern;
out vec3 normal; out vec3 colour; out vec3 colour_b; out vec2 kind_size; out vec3 world; out float depth;
void main() {
    vec4 seen = view * vec4(in_place, 1.0);
    world = in_place; normal = in_normal; colour = in_colour; colour_b = in_colour_b; kind_size = in_pattern;
    depth = seen.z;
    gl_Position = projection * seen;
}
"""
)

THING_FRAGMENT = (
    _COMMON
    + _LIGHT
    + _OUT
    + """
uniform vec3 feet[16];
in vec3 normal; in vec3 colour; in vec3 colour_b; in vec2 kind_size; in vec3 world; in float depth;
void main() {
    vec3 c = pattern(colour, colour_b, kind_size.x, kind_size.y, world);
    c *= 0.8 + 0.4 * clouds(world * 3.0);
    // Under a foot the floor is darker: without shadows, people would seem to float.
    if (world.z < 0.002)
        for (int k = 0; k < 16; k++) {
            float r = length(world.xy - feet[k].xy);
            c *= 1.0 - 0.6 * exp(-r * r / 0.03) * exp(-8.0 * feet[k].z);
        }
    out_colour = vec4(lit(c, normal, world, 0.02), 1.0);
    out_id = 0u;
    out_depth = depth;
}
"""
)

SKY_VERTEX = """
#version 430
in vec2 in_corner;
out vec2 at;
void main() { at = in_corner; gl_Position = vec4(in_corner, 0.999999, 1.0); }
"""

SKY_FRAGMENT = (
    _COMMON
    + _OUT
    + """
uniform vec3 sky_a;
uniform vec3 sky_b;
uniform vec3 sky_pattern;
in vec2 at;
void main() {
    vec3 p = vec3(at.x, 0.0, at.y);
    vec3 c = sky_pattern.x < 0.5 ? mix(sky_a, sky_b, 0.5 + 0.5 * at.y)
                                 : pattern(sky_a, sky_b, sky_pattern.x, sky_pattern.y, p + sky_pattern.z);
    out_colour = vec4(c, 1.0);
    out_id = 0u;
    out_depth = 1.0 / 0.0;
}
"""
)

JOIN_FRAGMENT = (
    """
#version 430
uniform sampler2D colour;
uniform usampler2D id;
uniform sampler2D depth;
uniform int samples;
uniform float exposure;
"""
    + _OUT
    + """
void main() {
    ivec2 first = ivec2(gl_FragCoord.xy) * samples;
    vec3 sum = vec3(0.0);
    for (int y = 0; y < samples; y++)
        for (int x = 0; x < samples; x++) {
            vec3 c = 1.0 - exp(-exposure * max(texelFetch(colour, first + ivec2(x, y), 0).rgb, 0.0));
            sum += c;
        }
    sum /= float(samples * samples);
    vec3 srgb = mix(12.92 * sum, 1.055 * pow(max(sum, 1e-5), vec3(1.0 / 2.4)) - 0.055, step(0.0031308, sum));
    out_colour = vec4(srgb, 1.0);
    // Samples are odd in number, so the middle one lies on the pixel's centre.
    ivec2 middle = first + samples / 2;
    out_id = texelFetch(id, middle, 0).r;
    out_depth = texelFetch(depth, middle, 0).r;
}
"""
)
