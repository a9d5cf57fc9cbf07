import{b as a,c as b}from"./chunk-POT27FMW.js";import"./chunk-PFVN4RNG.js";import"./chunk-PHVYMCZW.js";export{b as FeedSkeleton,a as default};
