// SPDX-License-Identifier: Apache-2.0

/**
 * How image (component 0) and classes (component 1) are mixed at a place of a ray, in vtk.js's volume shader. Its own mixes light the
 * image too, by gradients that a noisy image is full of, and take all of the neighbours where nothing is seen, which a processor that
 * draws cannot do in time. Here surfaces of what is shown of the classes are lit from the eye; faces that a cut lays open are flat.
 */
export const mixOfImageAndClasses = `
  float imageOpacity = getOpacityFromTexture(tValue[0], 0, volume.transferFunctionsSampleHeight[0]);
  float classOpacity = getOpacityFromTexture(tValue[1], 1, volume.transferFunctionsSampleHeight[1]);
  float bothOpacity = imageOpacity + classOpacity;
  if (bothOpacity <= 0.0) {
    return vec4(0.0);
  }
  vec3 mixed = imageOpacity * getColorFromTexture(tValue[0], 0, volume.transferFunctionsSampleHeight[0]);
  if (classOpacity > 0.0) {
    vec3 slope = vec3(0.0);
    for (int axis = 0; axis < 3; ++axis) {
      vec3 to = vec3(0.0);
      to[axis] = volume.inverseDimensions[axis];
      slope[axis] = getOpacityFromTexture(rawSampleTexture(posIS + to)[1], 1, volume.transferFunctionsSampleHeight[1]) -
                    getOpacityFromTexture(rawSampleTexture(posIS - to)[1], 1, volume.transferFunctionsSampleHeight[1]);
    }
    slope *= volume.inverseSpacing;
    float facing = 1.0;
    if (dot(slope, slope) > 0.0) {
      facing = abs(dot(normalize(normalISToVC(slope)), rayDirVC));
    }
    mixed += classOpacity * (0.4 + 0.6 * facing) * getColorFromTexture(tValue[1], 1, volume.transferFunctionsSampleHeight[1]);
  }
  return vec4(mixed / bothOpacity, min(1.0, bothOpacity));
`;
