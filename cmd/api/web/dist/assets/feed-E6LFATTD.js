import{a,b}from"./chunk-BX4O4V4U.js";import"./chunk-65S7UP6M.js";import"./chunk-EFJZNWPX.js";export{b as FeedSkeleton,a as default};
