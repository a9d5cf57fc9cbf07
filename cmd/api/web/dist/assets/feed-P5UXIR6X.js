import{a,b}from"./chunk-XJ6LQJAN.js";import"./chunk-EC6T3MMU.js";import"./chunk-VUHR3FYG.js";export{b as FeedSkeleton,a as default};
